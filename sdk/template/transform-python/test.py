"""Tests of the transform, without a hub: python3 -m unittest test"""

import importlib
import unittest

from standpipe.testing import feed

PLUGIN_CLASS = importlib.import_module("PLUGIN_NAME_plugin").PLUGIN_CLASS


class Tests(unittest.TestCase):
    def test_it_makes_one_of_each(self):
        results = feed(PLUGIN_CLASS("again: "), ["one", "two"])
        self.assertEqual([r.outcome for r in results], ["delivered", "delivered"])
        self.assertEqual([[m.payload for m in r.emitted] for r in results], [[b"again: one"], [b"again: two"]])

    def test_an_empty_message_is_rejected(self):
        (result,) = feed(PLUGIN_CLASS(), [""])
        self.assertEqual((result.outcome, result.reason, result.emitted), ("reject", "it is empty", []))


if __name__ == "__main__":
    unittest.main()
