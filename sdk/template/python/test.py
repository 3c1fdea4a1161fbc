"""Tests of the handler, without a hub: python3 -m unittest test"""

import contextlib
import importlib
import io
import unittest

from standpipe.testing import feed

PLUGIN_CLASS = importlib.import_module("PLUGIN_NAME_plugin").PLUGIN_CLASS


class Tests(unittest.TestCase):
    def test_it_says_how_long_each_message_is(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            results = feed(PLUGIN_CLASS("length: "), ["one", "three"])
        self.assertEqual([r.outcome for r in results], ["delivered", "delivered"])
        self.assertEqual(said.getvalue(), "length: 3 bytes\nlength: 5 bytes\n")

    def test_an_empty_message_is_rejected(self):
        (result,) = feed(PLUGIN_CLASS(), [""])
        self.assertEqual((result.outcome, result.reason), ("reject", "it is empty"))


if __name__ == "__main__":
    unittest.main()
