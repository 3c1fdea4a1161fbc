# SPDX-License-Identifier: Apache-2.0
"""A source: it brings messages into the hub."""

import os
import signal
import threading
from typing import Iterator, List, NamedTuple, Optional, Union

from standpipe import program
from standpipe.frames import Meta, pack_pairs
from standpipe.handler import Disconnected, Fatal

_IDLE_SECONDS = 0.1


class Put(NamedTuple):
    """A message with metadata, or with where to go on after it."""

    payload: Union[bytes, str]
    meta: Meta = None
    resume: Union[bytes, str, None] = None  # at most 16,384 bytes; the hub keeps the last one together with the messages before it


Item = Union[bytes, str, Put]


class Source:
    """Write a class with `messages`, and call `run` of an instance."""

    def messages(self, resume: bytes) -> Iterator[Union[Item, List[Item], None]]:
        """Yields messages, single ones or lists, and None when there is nothing now: what waits for something longer than the hub may
        wait for an end is interrupted by KeyboardInterrupt. `resume` is what the last message that the hub has said; empty at the
        very first start. May raise Disconnected and Fatal. Its end is that of the program: with status 0 the hub does not start it
        again."""
        raise NotImplementedError

    def committed(self, count: int) -> None:
        """The first `count` messages of this run are safe: acknowledge them. Called between two yields. Not called at all unless a
        class has it."""

    def close(self) -> None:
        """The hub wants the program to end: disconnects."""

    def run(self) -> None:
        """Speaks with the hub until it has enough, or there are no more messages."""
        from_hub, to_hub = program.take_streams("source")
        try:
            self._bring(from_hub, to_hub)
        except KeyboardInterrupt:
            self.close()
        except (Disconnected, Fatal) as error:
            word = b"fatal" if isinstance(error, Fatal) else b"disconnected"
            program.write_all(to_hub, b"%b %b\n" % (word, program.one_line(str(error))))
            self.close()
        except BrokenPipeError:  # the hub is gone, and with it who could be told
            os._exit(1)

    def _bring(self, from_hub: int, to_hub: int) -> None:
        wants_commits = type(self).committed is not Source.committed
        program.write_all(to_hub, b"standpipe 1 committed\n" if wants_commits else b"standpipe 1\n")
        hub = _Hub(from_hub)
        for item in self.messages(hub.resume):
            if item is None:
                hub.changed.wait(_IDLE_SECONDS)
            else:
                items = item if isinstance(item, list) else [item]
                program.write_all(to_hub, b"".join(map(_records, items)))
            if hub.changed.is_set() and wants_commits:
                self._report(hub)
        self.close()
        hub.is_over = True

    def _report(self, hub: "_Hub") -> None:
        hub.changed.clear()
        if hub.safe > hub.reported:
            hub.reported = hub.safe
            self.committed(hub.reported)


class _Hub:
    """What the hub says, heard by a thread of its own."""

    def __init__(self, fd: int):
        self.changed = threading.Event()
        self.safe = self.reported = 0
        self.is_over = False
        self._file = os.fdopen(fd, "rb")
        self.resume = self._read_resume()
        threading.Thread(target=self._listen, daemon=True).start()

    def _read_resume(self) -> bytes:
        line = self._file.readline().split()
        if len(line) != 2 or line[0] != b"resume":
            raise KeyboardInterrupt  # it has ended already
        return self._file.read(int(line[1]))

    def _listen(self) -> None:
        for line in self._file:
            word, _, count = line.partition(b" ")
            if word == b"committed":
                self.safe = int(count)
                self.changed.set()
        self.changed.set()
        if not self.is_over:  # also what waits in a call is interrupted
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _bytes(text: Union[bytes, str]) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _records(item: Item) -> bytes:
    put = item if isinstance(item, Put) else Put(item)
    payload = _bytes(put.payload)
    meta = pack_pairs(put.meta)
    if put.resume is None:
        return b"emit %d %d\n%b%b" % (len(payload), len(meta), meta, payload)
    resume = _bytes(put.resume)
    return b"emit %d %d %d\n%b%b%b" % (len(payload), len(meta), len(resume), meta, resume, payload)
