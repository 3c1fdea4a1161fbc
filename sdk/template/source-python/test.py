"""Tests of the source, without a hub: python3 -m unittest test"""

import importlib
import unittest

import standpipe
from standpipe.testing import take

PLUGIN_CLASS = importlib.import_module("PLUGIN_NAME_plugin").PLUGIN_CLASS


class Tests(unittest.TestCase):
    def test_it_brings_numbers(self):
        puts = take(PLUGIN_CLASS(every="0.001"), 2)
        self.assertEqual([put.payload for put in puts], ["number 1", "number 2"])

    def test_it_goes_on_where_it_was(self):
        (put,) = take(PLUGIN_CLASS(""), 1, resume="7")
        self.assertEqual((put.payload, put.resume), ("7", "8"))

    def test_a_place_of_another_is_refused(self):
        with self.assertRaises(standpipe.Fatal):
            take(PLUGIN_CLASS(), 1, resume="page two")


if __name__ == "__main__":
    unittest.main()
