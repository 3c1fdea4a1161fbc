# SPDX-License-Identifier: Apache-2.0
"""A handler: it is given messages, and says what becomes of each."""

import enum
import json
import os
import struct
import sys
import time
import traceback
from typing import Any, Iterable, List, Optional, Union

from standpipe import program
from standpipe.frames import BadFrame, Meta, Pairs, pack_pairs, split, unpack_pairs

_READ_BYTES = 1 << 20
_FLUSH_BYTES = 256 * 1024
_FLUSH_SECONDS = 0.05  # what was answered is not kept for longer while a handler works on
_MESSAGE_MAX = (1 << 32) - 1  # the hub has its own limit
_HEAD = struct.Struct("<IQQII")


class Outcome(enum.Enum):
    """What `handle` may return; None is DELIVERED."""

    DELIVERED = b"delivered"
    FILTERED = b"filtered"  # seen, and not passed on, on purpose


class Reject(Exception):
    """Raised by handle: never redeliver this message. It goes to the dead letters, with the reason."""


class Retry(Exception):
    """Raised by handle: redeliver this message after a while; after 20 attempts it is dead-lettered. Any other exception means the
    same, and its traceback is logged."""


class Disconnected(Exception):
    """Raised by open or handle: what the handler needs is away. The program is ended and started again, after a pause that grows. No
    message is to blame, and none is lost."""


class Fatal(Exception):
    """Raised by open or handle: only a person can help. The handler is held, and its messages wait."""


class Message:
    """One message. All but the payload is there only with `metadata: true` in the configuration."""

    __slots__ = ("payload", "meta", "sequence", "time", "attempt", "source")

    def __init__(self, payload: bytes, meta: Optional[Pairs] = None, sequence: int = 0, time: int = 0, attempt: int = 0, source: str = ""):
        self.payload = payload
        self.meta: Pairs = meta if meta is not None else []  # its source's, then its own
        self.sequence = sequence  # in its source, from 1: the same when it is redelivered
        self.time = time  # when the hub accepted it, nanoseconds since 1970
        self.attempt = attempt  # from 1
        self.source = source  # its name in the configuration

    @property
    def text(self) -> str:
        """The payload as UTF-8. What is none raises UnicodeDecodeError: return Reject for it if such messages may come."""
        return self.payload.decode()

    def json(self) -> Any:
        """The payload as JSON; raises ValueError."""
        return json.loads(self.payload)

    def get(self, name: str, default: Optional[bytes] = None) -> Optional[bytes]:
        """The last metadata of that name."""
        for n, value in reversed(self.meta):
            if n == name:
                return value
        return default

    def __repr__(self) -> str:
        return f"Message({self.payload[:60]!r}{'...' if len(self.payload) > 60 else ''})"


class Handler:
    """Write a class with `handle`, and call `run` of an instance. Calls never overlap."""

    _answers: "Optional[Answers]" = None

    def open(self) -> None:
        """Connects, before the first message. May raise Disconnected and Fatal."""

    def handle(self, message: Message) -> Optional[Outcome]:
        """Handles one message: returning delivers it. May raise Reject, Retry, Disconnected and Fatal."""
        raise NotImplementedError

    def close(self) -> None:
        """The hub wants the program to end: disconnects."""

    def emit(self, payload: Union[bytes, str], meta: Meta = None) -> None:
        """Makes a message of the one that is being handled. Routes find it as `from: NAME` of this handler. It takes effect together
        with the outcome of that message, once; not if that is retried. Only inside handle."""
        if self._answers is None:
            raise RuntimeError("emit is for handle")
        self._answers.emit(payload.encode() if isinstance(payload, str) else bytes(payload), pack_pairs(meta))

    def run(self) -> None:
        """Speaks with the hub until it has enough. Returns then; what ends the program otherwise is an exit."""
        from_hub, to_hub = program.take_streams("handler")
        if os.environ.get("STANDPIPE_EXEC_ANSWERS") != "outcomes":
            sys.exit("error: this handler answers\n  help: leave out answers: none in the options of exec")
        answers = Answers(to_hub)
        try:
            self._serve(from_hub, answers)
        except BrokenPipeError:  # the hub is gone, and with it who could be told
            os._exit(1)

    def _serve(self, from_hub: int, answers: "Answers") -> None:
        if not _opened(self, answers):
            return
        with_heads = os.environ.get("STANDPIPE_EXEC_METADATA") == "1"
        rest = b""
        waiting: List[bytes] = []  # pieces of a large frame
        while True:
            piece = os.read(from_hub, _READ_BYTES)
            if not piece:
                break
            waiting.append(piece)
            if len(waiting) > 1 and _is_incomplete(waiting):
                continue
            payloads, rest = split(b"".join(waiting), _MESSAGE_MAX)
            waiting = [rest] if rest else []
            if payloads and not self._handle_all(map(_with_head, payloads) if with_heads else map(Message, payloads), answers):
                return
        self.close()

    def _handle_all(self, messages: Iterable[Message], answers: "Answers") -> bool:
        """False: this was the end."""
        handle = self.handle
        self._answers = answers
        delivered, now = answers.delivered, time.monotonic
        for message in messages:
            try:
                outcome = handle(message)
                if outcome is not None and not isinstance(outcome, Outcome):
                    raise TypeError(f"handle returned {outcome!r}: it returns None or an Outcome")
            except Exception as error:
                if not answers.failed(error):
                    return False
                continue
            if outcome is None or outcome is Outcome.DELIVERED:
                answers.run += 1
                if now() < answers.flush_at:
                    continue
                delivered()
            else:
                answers.outcome(outcome)
            if now() >= answers.flush_at:
                answers.flush()
        answers.flush()
        return True


def _opened(handler: Handler, answers: "Answers") -> bool:
    try:
        handler.open()
    except (Disconnected, Fatal) as error:
        answers.failed(error)
        return False
    answers.greet()
    return True


def _is_incomplete(pieces: List[bytes]) -> bool:
    """The frame that the pieces begin with needs more. So a large one is not joined again and again."""
    head = pieces[0] if len(pieces[0]) >= 4 else b"".join(pieces)[:4]
    return len(head) < 4 or sum(map(len, pieces)) < 4 + int.from_bytes(head[:4], "little")


def _with_head(payload: bytes) -> Message:
    size, sequence, accepted, attempt, source = _HEAD.unpack_from(payload)
    begin = _HEAD.size + source
    if 4 + size > len(payload) or begin > 4 + size:
        raise BadFrame("a head is longer than its frame")
    return Message(
        payload[4 + size :], unpack_pairs(payload[begin : 4 + size]), sequence, accepted, attempt, payload[_HEAD.size : begin].decode(errors="replace")
    )


class Answers:
    """What is said to the hub, gathered: a record for a run of delivered messages, and a write for many records."""

    def __init__(self, fd: int):
        self.run = 0  # messages that were delivered and not answered yet
        self.flush_at = 0.0
        self._fd = fd
        self._records: List[bytes] = []
        self._bytes = 0

    def greet(self) -> None:
        self._add(b"standpipe 1\n")
        self.flush()

    def delivered(self) -> None:
        if self.run:
            self._add(b"delivered %d\n" % self.run)
            self.run = 0

    def outcome(self, outcome: Outcome) -> None:
        self.delivered()
        self._add(outcome.value + b"\n")

    def emit(self, payload: bytes, meta: bytes) -> None:
        self.delivered()
        self._add(b"emit %d %d\n%b%b" % (len(payload), len(meta), meta, payload))
        if self._bytes > _FLUSH_BYTES:
            self.flush()

    def failed(self, error: Exception) -> bool:
        """What an exception of handle says of its message. False: the program is to end."""
        self.delivered()
        why = program.one_line(str(error))
        if isinstance(error, (Reject, Retry)):
            self._add(b"%b 1 %b\n" % (b"reject" if isinstance(error, Reject) else b"retry", why))
            return True
        if isinstance(error, (Disconnected, Fatal)):
            self._add(b"%b %b\n" % (b"fatal" if isinstance(error, Fatal) else b"disconnected", why))
            self.flush()
            return False
        traceback.print_exception(type(error), error, error.__traceback__)
        self._add(b"retry 1 %b\n" % program.one_line(f"{type(error).__name__}: {error}"))
        return True

    def flush(self) -> None:
        self.delivered()
        if self._records:
            program.write_all(self._fd, b"".join(self._records))
            self._records.clear()
            self._bytes = 0
        self.flush_at = time.monotonic() + _FLUSH_SECONDS

    def _add(self, record: bytes) -> None:
        self._records.append(record)
        self._bytes += len(record)
