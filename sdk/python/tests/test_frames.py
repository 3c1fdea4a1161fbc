# SPDX-License-Identifier: Apache-2.0
import io
import unittest

from standpipe import frames


class Frames(unittest.TestCase):
    def test_what_is_written_is_read(self):
        payloads = [b"one", b"", bytes(100_000), b"\n\x00\xff"]
        file = io.BytesIO()
        for payload in payloads:
            frames.write(file, payload)
        self.assertEqual(list(frames.read(io.BytesIO(file.getvalue()))), payloads)
        self.assertEqual(frames.split(file.getvalue()), (payloads, b""))

    def test_an_incomplete_frame_is_left(self):
        data = frames.pack(b"one") + frames.pack(b"second")
        for cut in range(len(data)):
            payloads, rest = frames.split(data[:cut])
            self.assertEqual(b"".join(map(frames.pack, payloads)) + rest, data[:cut])
            self.assertEqual(len(payloads), cut >= 7)

    def test_text_is_no_frame(self):
        with self.assertRaisesRegex(frames.BadFrame, "claims 1,819,043,176 bytes.*hello"):
            frames.split(b"hello world")
        with self.assertRaises(frames.BadFrame):
            list(frames.read(io.BytesIO(b"hello world")))
        with self.assertRaises(frames.BadFrame):
            list(frames.read(io.BytesIO(frames.pack(b"one")[:-1])))

    def test_pairs(self):
        pairs = [("topic", b"t"), ("topic", b""), ("ü", b"\xff")]
        self.assertEqual(frames.unpack_pairs(frames.pack_pairs(pairs)), pairs)
        self.assertEqual(frames.pack_pairs({"a": "ü"}), b"\x01\0\0\0\x02\0\0\0a\xc3\xbc")
        self.assertEqual(frames.pack_pairs(None), b"")
        for cut in range(1, len(frames.pack_pairs(pairs[:1]))):
            with self.assertRaises(frames.BadFrame):
                frames.unpack_pairs(frames.pack_pairs(pairs[:1])[:cut])
        with self.assertRaises(ValueError):
            frames.pack_pairs({"": "x"})
