# SPDX-License-Identifier: Apache-2.0
import struct
import time
import unittest

import standpipe
from standpipe import frames, testing

from exec_hub import Program, answers_to

ALL = """
    class It(standpipe.Handler):
        def handle(self, m):
            if m.payload == b"filter":
                return standpipe.Outcome.FILTERED
            if m.payload == b"reject":
                raise standpipe.Reject("no\\ngood")
            if m.payload == b"retry":
                raise standpipe.Retry("later")
            if m.payload == b"wrong":
                return 7
            if m.payload == b"bug":
                return {}["nothing"]
            if m.payload == b"away":
                raise standpipe.Disconnected("no database")
            if m.payload == b"fatal":
                raise standpipe.Fatal("no licence")
            if m.payload == b"emit":
                self.emit("text", {"k": "v"})
                self.emit(b"")
            print("printed", m.payload)
    It().run()
"""


class Handlers(unittest.TestCase):
    def test_a_run_of_delivered_messages_is_one_answer(self):
        said, err = answers_to(ALL, *[b"x"] * 1000)
        self.assertEqual(sum(int(line.split()[1]) for line in said.splitlines()), 1000)
        self.assertLess(said.count(b"\n"), 20)
        self.assertEqual(err.count("printed"), 1000)  # not into the answers

    def test_each_outcome(self):
        said, err = answers_to(ALL, b"a", b"b", b"filter", b"reject", b"retry", b"bug", b"wrong", b"c")
        lines = said.split(b"\n")
        self.assertEqual(
            lines,
            [
                b"delivered 2",
                b"filtered",
                b"reject 1 no good",
                b"retry 1 later",
                b"retry 1 KeyError: 'nothing'",
                b"retry 1 TypeError: handle returned 7: it returns None or an Outcome",
                b"delivered 1",
                b"",
            ],
        )
        self.assertIn("Traceback", err)

    def test_what_is_emitted_comes_before_its_outcome(self):
        said, _ = answers_to(ALL, b"a", b"emit", b"b")
        meta = frames.pack_pairs({"k": "v"})
        self.assertEqual(said, b"delivered 1\nemit 4 %d\n%btextemit 0 0\ndelivered 2\n" % (len(meta), meta))

    def test_disconnected_and_fatal_end_it(self):
        self.assertEqual(answers_to(ALL, b"a", b"away", b"b")[0], b"delivered 1\ndisconnected no database\n")
        self.assertEqual(answers_to(ALL, b"fatal", b"b")[0], b"fatal no licence\n")

    def test_open_may_refuse_and_close_is_called(self):
        program = Program("""
            class It(standpipe.Handler):
                def open(self): raise standpipe.Disconnected("no\\nroute")
            It().run()
        """)
        self.assertEqual(program.end()[0], b"disconnected no route\n")
        _, err = answers_to("""
            class It(standpipe.Handler):
                def open(self): print("opened")
                def handle(self, m): pass
                def close(self): print("closed")
            It().run()
        """)
        self.assertEqual(err, "opened\nclosed\n")

    def test_heads_are_read(self):
        meta = frames.pack_pairs([("topic", b"t"), ("topic", b"u")])
        head = struct.pack("<QQII", 7, 8, 9, 3) + b"src" + meta
        payload = struct.pack("<I", len(head)) + head + b"payload"
        body = """
            class It(standpipe.Handler):
                def handle(self, m):
                    self.emit(repr((m.sequence, m.time, m.attempt, m.source, m.meta, m.get("topic"), m.text)))
            It().run()
        """
        said, _ = answers_to(body, payload, STANDPIPE_EXEC_METADATA="1")
        self.assertIn(b"(7, 8, 9, 'src', [('topic', b't'), ('topic', b'u')], b'u', 'payload')", said)

    def test_frames_in_pieces_and_large_ones(self):
        body = """
            class It(standpipe.Handler):
                def handle(self, m): self.emit(str(len(m.payload)))
            It().run()
        """
        program = Program(body)
        self.assertEqual(program.line(), b"standpipe 1\n")
        data = b"".join(frames.pack(bytes(n)) for n in (0, 5, 1, 40_000_000, 3))
        for byte in data[:14]:
            program.write(bytes([byte]))
            time.sleep(0.002)
        program.write(data[14:])
        said = program.end()[0]
        self.assertEqual([line for line in said.splitlines() if b" " not in line], [])
        self.assertEqual(said.count(b"delivered"), 5)
        self.assertIn(b"40000000", said)

    def test_a_slow_handler_answers_while_it_works(self):
        program = Program("""
            class It(standpipe.Handler):
                def handle(self, m): time.sleep(0.1)
            It().run()
        """)
        program.line()
        program.write(frames.pack(b"x") * 50)
        began = time.monotonic()
        self.assertEqual(program.line(), b"delivered 1\n")
        self.assertLess(time.monotonic() - began, 3)
        program.process.kill()
        program.end()

    def test_what_cannot_run_says_why(self):
        for more, text in (
            ({"STANDPIPE_EXEC_ANSWERS": "none"}, "leave out answers: none"),
            ({"STANDPIPE_EXEC_KIND": "source"}, "the configuration has it as a source"),
            ({"STANDPIPE_EXEC": "2"}, "and the hub 2"),
        ):
            _, err, status = Program(ALL, **more).end()
            self.assertEqual(status, 1)
            self.assertIn(text, err)


class Testing(unittest.TestCase):
    def test_feed(self):
        class It(standpipe.Handler):
            def handle(self, m):
                self.emit(m.text, m.meta)
                if m.payload == b"no":
                    raise standpipe.Reject("why")
                if m.payload == b"later":
                    raise standpipe.Retry("wait")
                if m.json() == 3:
                    raise standpipe.Fatal("three")

        results = testing.feed(It(), ["no", standpipe.Message(b"1", [("k", b"v")]), b"later", b"3", b"4"])
        self.assertEqual([r.outcome for r in results], ["reject", "delivered", "retry", "fatal"])
        self.assertEqual([r.reason for r in results], ["why", "", "wait", "three"])
        self.assertEqual([len(r.emitted) for r in results], [1, 1, 0, 0])
        self.assertEqual(results[1].emitted[0].meta, [("k", b"v")])

    def test_a_bug_is_raised(self):
        class It(standpipe.Handler):
            def handle(self, m):
                return "delivered"

        with self.assertRaises(TypeError):
            testing.feed(It(), [b"x"])

    def test_take(self):
        class Numbers(standpipe.Source):
            def messages(self, resume):
                for n in range(int(resume or 0), 5):
                    yield [standpipe.Put(str(n), resume=str(n + 1)), "text"]

        self.assertEqual([p.payload for p in testing.take(Numbers(), 3, "3")], ["3", "text", "4"])
        self.assertEqual(len(testing.take(Numbers(), 100)), 10)
