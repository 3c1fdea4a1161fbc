# SPDX-License-Identifier: Apache-2.0
"""Tests of handlers and sources without a hub, with any test framework.

    results = standpipe.testing.feed(Shout(), [b"hello", b""])
    assert results[0].emitted[0].payload == b"HELLO"
    assert results[1].outcome == "reject" and results[1].reason == "it is empty"
"""

from dataclasses import dataclass, field
from typing import Iterable, List, Union

from standpipe.frames import Pairs, pack_pairs, unpack_pairs
from standpipe.handler import Answers, Disconnected, Fatal, Handler, Message, Outcome, Reject, Retry
from standpipe.source import Item, Put, Source


@dataclass
class Emitted:
    payload: bytes
    meta: Pairs


@dataclass
class Result:
    """What became of one message."""

    outcome: str = "delivered"  # "filtered", "reject", "retry", "disconnected", "fatal"
    reason: str = ""
    emitted: List[Emitted] = field(default_factory=list)  # what takes effect


class _Recorder(Answers):
    def __init__(self) -> None:
        super().__init__(-1)
        self.emitted: List[Emitted] = []

    def emit(self, payload: bytes, meta: bytes) -> None:
        self.emitted.append(Emitted(payload, unpack_pairs(meta)))


def feed(handler: Handler, messages: Iterable[Union[Message, bytes, str]], opened: bool = False) -> List[Result]:
    """Opens the handler (unless it is), gives it the messages, and says what became of each. Stops after Disconnected and Fatal. An
    exception that is none of the package's is raised: a hub would log it and retry."""
    if not opened:
        handler.open()
    results = []
    for m in messages:
        message = m if isinstance(m, Message) else Message(m.encode() if isinstance(m, str) else m)
        results.append(_handled(handler, message))
        if results[-1].outcome in ("disconnected", "fatal"):
            break
    return results


def _handled(handler: Handler, message: Message) -> Result:
    recorder = _Recorder()
    handler._answers = recorder
    try:
        outcome = handler.handle(message)
        if outcome is not None and not isinstance(outcome, Outcome):
            raise TypeError(f"handle returned {outcome!r}: it returns None or an Outcome")
        return Result((outcome or Outcome.DELIVERED).value.decode(), "", recorder.emitted)
    except (Reject, Retry, Disconnected, Fatal) as error:
        return Result(_name(error), str(error), recorder.emitted if isinstance(error, Reject) else [])
    finally:
        handler._answers = None


def _name(error: Exception) -> str:
    return next(c.__name__.lower() for c in (Reject, Retry, Disconnected, Fatal) if isinstance(error, c))


def take(source: Source, count: int, resume: Union[bytes, str] = b"") -> List[Put]:
    """The first messages of a source that goes on at `resume`; fewer if it ends before, or has nothing now."""
    puts: List[Put] = []
    for item in source.messages(resume.encode() if isinstance(resume, str) else resume):
        if item is None:
            break
        items: List[Item] = item if isinstance(item, list) else [item]
        puts += [i if isinstance(i, Put) else Put(i) for i in items]
        if len(puts) >= count:
            break
    for put in puts:
        pack_pairs(put.meta)  # raises what a hub would refuse
    return puts[:count]
