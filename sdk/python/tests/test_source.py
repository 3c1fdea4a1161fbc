# SPDX-License-Identifier: Apache-2.0
import time
import unittest

from exec_hub import Program

NUMBERS = """
    class It(standpipe.Source):
        def messages(self, resume):
            for n in range(int(resume or 0), 5):
                yield standpipe.Put(f"number {n}", {"n": str(n)}, resume=str(n + 1))
        def close(self):
            print("closed")
    It().run()
"""
WAITING = """
    class It(standpipe.Source):
        def messages(self, resume):
            yield ["a", "b"]
            %s
        def committed(self, count):
            print("safe", count, flush=True)
        def close(self):
            print("closed")
    It().run()
"""


class Sources(unittest.TestCase):
    def test_it_goes_on_where_it_was_and_ends(self):
        program = Program(NUMBERS, kind="source")
        self.assertEqual(program.line(), b"standpipe 1\n")
        program.write(b"resume 1\n3")
        out = program.process.stdout.read()
        meta = b"\x01\0\0\0\x01\0\0\0n"
        self.assertEqual(out, b"emit 8 10 1\n%b34number 3emit 8 10 1\n%b45number 4" % (meta, meta))
        _, err, status = program.end()
        self.assertEqual((err, status), ("closed\n", 0))

    def test_it_is_told_what_is_safe_and_ends_when_the_hub_wants_it(self):
        for wait in ("while True: yield None", "time.sleep(1000)"):
            program = Program(WAITING % wait, kind="source")
            self.assertEqual(program.line(), b"standpipe 1 committed\n")
            program.write(b"resume 0\n")
            self.assertEqual(program.line() + program.process.stdout.read(9), b"emit 1 0\naemit 1 0")
            program.write(b"committed 1\n", b"committed 2\n")
            if "yield" in wait:
                said = b""
                while b"safe 2\n" not in said:
                    said += program.process.stderr.readline()
            began = time.monotonic()
            _, err, status = program.end()
            self.assertEqual(status, 0, err)
            self.assertTrue(err.endswith("closed\n"), err)
            self.assertLess(time.monotonic() - began, 10)

    def test_it_may_say_that_its_peer_is_away(self):
        program = Program("""
            class It(standpipe.Source):
                def messages(self, resume):
                    yield b"x"
                    raise standpipe.Disconnected("no route")
            It().run()
        """, kind="source")  # fmt: skip
        program.line()
        program.write(b"resume 0\n")
        self.assertEqual(program.process.stdout.read(), b"emit 1 0\nxdisconnected no route\n")
        self.assertEqual(program.end()[2], 0)
