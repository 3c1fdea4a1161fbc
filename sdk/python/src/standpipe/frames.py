# SPDX-License-Identifier: Apache-2.0
"""Frames, as they are in the hub's FIFOs: the length (4 bytes, little endian), then the payload. And pairs of metadata."""

import struct
from typing import BinaryIO, Iterable, Iterator, List, Mapping, Tuple, Union

Pairs = List[Tuple[str, bytes]]
"""Metadata: names and values, in order; a name may occur several times."""
Meta = Union[Mapping[str, Union[bytes, str]], Iterable[Tuple[str, Union[bytes, str]]], None]
"""Metadata as one writes it: {"topic": "orders"}, or a list of pairs."""

MESSAGE_MAX = 16 << 20
"""Bytes of a payload, unless the hub's configuration says otherwise."""

_LENGTH = struct.Struct("<I")
_LENGTHS = struct.Struct("<II")


class BadFrame(ValueError):
    """The bytes are no frames."""


def pack(payload: bytes) -> bytes:
    """The frame of a payload."""
    return _LENGTH.pack(len(payload)) + payload


def split(buffer: bytes, message_max: int = MESSAGE_MAX) -> Tuple[List[bytes], bytes]:
    """The payloads of all whole frames, and the bytes after them. Raises BadFrame for a length above the limit."""
    payloads = []
    add, length_at = payloads.append, _LENGTH.unpack_from
    at, end = 0, len(buffer)
    begin = 4
    while begin <= end:
        size = length_at(buffer, at)[0]
        stop = begin + size
        if stop > end:
            if size > message_max:
                raise BadFrame(f"a frame claims {size:,} bytes (limit {message_max:,}); it begins with {buffer[at:at + 40]!r}")
            break
        add(buffer[begin:stop])
        at = stop
        begin = at + 4
    return payloads, buffer[at:]


def read(file: BinaryIO, message_max: int = MESSAGE_MAX) -> Iterator[bytes]:
    """The payloads of a file, a pipe or a FIFO, until its end. Raises BadFrame, also for an end in the middle of a frame."""
    while True:
        head = file.read(4)
        if not head:
            return
        if len(head) == 4:
            (size,) = _LENGTH.unpack(head)
            if size > message_max:
                raise BadFrame(f"a frame claims {size:,} bytes (limit {message_max:,})")
            payload = file.read(size)
            if len(payload) == size:
                yield payload
                continue
        raise BadFrame("it ends in the middle of a frame")


def write(file: BinaryIO, payload: bytes) -> None:
    """Writes one frame, in one call."""
    file.write(pack(payload))


def pack_pairs(meta: Meta) -> bytes:
    """A block of pairs, as in PROTOCOL.md of the plugin exec."""
    if not meta:
        return b""
    items = meta.items() if isinstance(meta, Mapping) else meta
    block = bytearray()
    for name, value in items:
        encoded = name.encode()
        data = value.encode() if isinstance(value, str) else bytes(value)
        if not 0 < len(encoded) < 256:
            raise ValueError(f"metadata: a name has 1 to 255 bytes, and {name!r} has {len(encoded)}")
        block += _LENGTHS.pack(len(encoded), len(data)) + encoded + data
    return bytes(block)


def unpack_pairs(block: bytes) -> Pairs:
    """The pairs of a block. Raises BadFrame."""
    pairs, at = [], 0
    while at < len(block):
        if at + 8 > len(block):
            raise BadFrame("a block of metadata ends in the middle of a pair")
        name, value = _LENGTHS.unpack_from(block, at)
        begin, at = at + 8, at + 8 + name + value
        if at > len(block):
            raise BadFrame("a block of metadata ends in the middle of a pair")
        pairs.append((block[begin : begin + name].decode(errors="replace"), block[begin + name : at]))
    return pairs
