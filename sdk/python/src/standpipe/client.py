# SPDX-License-Identifier: Apache-2.0
"""For programs that write to a hub's FIFO and read from one. Pure Python 3.9 on Linux, no dependencies, no running hub.

    with Sender("/tmp/orders", timeout=5) as out:
        out.send(b"order 66", timeout=5)

    with Receiver("/tmp/billing") as messages:
        for message in messages:
            use(message)

    with Worker("/tmp/work") as worker:             # one of several equal readers
        while work := worker.receive():
            use(work.data)
            worker.acknowledge()

    with Requester("/tmp/requests", "/tmp/replies") as service:
        answer = service.request({"n": 6}, timeout=5)

It does what standpipe/client.h does in C, byte for byte and lock for lock, so programs in both may share FIFOs; that header and
those in standpipe/client/ have the rules. Timeouts are in seconds; None waits for ever, 0 does not wait. Sizes are in bytes. What
fails raises OSError, with the errno that the header names (a timeout of send is a TimeoutError). One object is for one thread at a
time; different objects are independent. Who waits wakes once a second, to look whether its FIFO is still the one at its path.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import re
import select
import stat
import struct
import termios
import time
from types import TracebackType
from typing import Any, Dict, Iterator, List, NamedTuple, NoReturn, Optional, Type, TypeVar, Union

__all__ = ["Receiver", "Requester", "Sender", "Work", "Worker", "reply"]

Path = Union[str, "os.PathLike[str]"]
Bytes = Union[bytes, bytearray, memoryview]
Json = Dict[str, Any]
_Self = TypeVar("_Self", bound="_Closing")

MESSAGE_MAX = 16 << 20
"""Bytes of the largest message, unless an object is told another number."""

_HEADER = struct.Struct("<I")
_LOOK = 1.0  # s; how often what nobody announces is looked for
_GRACE = 5.0  # s; how long a frame that was begun is tried to be finished
_PATIENCE = 0.05  # s; how long the rest of a frame that fits into the pipe is waited for
_COMPARE = 4096  # bytes of a frame that was begun, compared with what comes next after all readers died
_ATTEMPTS_MAX = 5
_NONBLOCK = 2  # SPLICE_F_NONBLOCK

_libc = ctypes.CDLL(None, use_errno=True)
_libc.splice.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t, ctypes.c_uint]
_libc.splice.restype = ctypes.c_ssize_t
_libc.tee.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]
_libc.tee.restype = ctypes.c_ssize_t


# ---- what the classes share


def _fail(number: int, path: Optional[str] = None) -> NoReturn:
    raise OSError(number, os.strerror(number), path)


class _Deadline:
    def __init__(self, timeout: Optional[float]) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def left(self, most: float) -> float:
        return most if self._end is None else max(0.0, min(most, self._end - time.monotonic()))


class _Closing:
    """The block of a `with` closes it."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()


def _lock(fd: int, deadline: _Deadline) -> bool:
    """An exclusive lock. False: others had it all the time."""
    pause = 0.001
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if deadline.is_over():
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.016)


def _open_fifo(path: str, flags: int) -> int:
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    _fail(errno.ENOTSUP, path)


def _open_to_read(path: str) -> int:
    """Makes the FIFO (mode 0600) if there is none."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    return _open_fifo(path, os.O_RDONLY)


def _leads_to(fd: int, path: str) -> Optional[bool]:
    """Whether the path leads to the open file; None: to nothing."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return None
    except OSError:
        return True


class _Fifo:
    """A FIFO that is read, through all those that come to stand at its path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = _open_to_read(path)
        self._epoll = self._watch(self.fd)
        self._looked = time.monotonic()

    @staticmethod
    def _watch(fd: int) -> select.epoll:
        """Edge-triggered: poll on a FIFO without writers returns at once, again and again."""
        epoll = select.epoll()
        epoll.register(fd, select.EPOLLIN | select.EPOLLET)
        return epoll

    def follow(self) -> bool:
        """True: it was removed or replaced, and is another one now. Looks once a second."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return False
        self._looked = now
        if _leads_to(self.fd, self.path):
            return False
        fd = _open_to_read(self.path)
        epoll = self._watch(fd)
        self.close()
        self.fd, self._epoll = fd, epoll
        return True

    def wait(self, seconds: float) -> None:
        self._epoll.poll(seconds, 1)

    def bytes_waiting(self) -> int:
        count = bytearray(4)
        fcntl.ioctl(self.fd, termios.FIONREAD, count)
        return int.from_bytes(count, "little" if struct.pack("=H", 1)[0] else "big")

    def has_writers(self) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def close(self) -> None:
        self._epoll.close()
        os.close(self.fd)


# ---- sending


class Sender(_Closing):
    """Sends messages whole, under the lock that all writers of large frames take, and connects anew when the reader has left or the
    FIFO was made again."""

    def __init__(self, path: Path, timeout: Optional[float] = None, message_max: int = MESSAGE_MAX) -> None:
        """Waits for a hub that is just starting. TimeoutError: nobody reads the FIFO."""
        self.path = os.fspath(path)
        self.message_max = message_max
        self._fd = -1
        self._looked = 0.0
        self._connect(_Deadline(timeout))

    def send(self, message: Bytes, timeout: Optional[float] = None) -> None:
        """Returns when all of it is in the FIFO. After BrokenPipeError a part of it may be there, after any other error nothing."""
        deadline = _Deadline(timeout)
        size = memoryview(message).nbytes
        if size > self.message_max:
            _fail(errno.EMSGSIZE, self.path)
        frame = _HEADER.pack(size) + message
        self._follow()
        while True:
            if self._fd < 0:
                self._connect(deadline)
            if not _lock(self._fd, deadline):
                _fail(errno.ETIMEDOUT, self.path)
            try:
                if self._write(frame, deadline):
                    return
            finally:
                if self._fd >= 0:
                    fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _connect(self, deadline: _Deadline) -> None:
        while not self._try_open():
            if deadline.is_over():
                _fail(errno.ETIMEDOUT, self.path)
            time.sleep(0.02)  # nothing announces a FIFO's first reader

    def _try_open(self) -> bool:
        try:
            fd = _open_fifo(self.path, os.O_WRONLY)
        except OSError as e:
            if e.errno in (errno.ENOENT, errno.ENXIO):
                return False
            raise
        if os.fstat(fd).st_mode & 0o777 == 0:  # so a stopping hub tells new writers, root among them
            os.close(fd)
            return False
        self._fd = fd
        self._looked = time.monotonic()
        return True

    def _follow(self) -> None:
        """A reader that makes its FIFO again may keep the old one open for a while, or for ever."""
        now = time.monotonic()
        if self._fd < 0 or now - self._looked < _LOOK:
            return
        self._looked = now
        if _leads_to(self._fd, self.path) is False:
            self.close()

    def _write(self, frame: bytes, deadline: _Deadline) -> bool:
        """A frame of at most PIPE_BUF bytes goes out by one write, which the kernel keeps whole. False: the reader has left before
        anything was written."""
        rest = memoryview(frame)
        is_in_grace = False
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BrokenPipeError:
                self.close()
                if len(rest) == len(frame):
                    return False
                raise
            except BlockingIOError:
                has_begun = len(rest) < len(frame)
                if deadline.is_over():
                    if not has_begun:
                        _fail(errno.ETIMEDOUT, self.path)
                    if is_in_grace:
                        self.close()
                        _fail(errno.EPIPE, self.path)
                    is_in_grace, deadline = True, _Deadline(_GRACE)
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                poll.poll(1000 * deadline.left(_LOOK))
        return True


# ---- receiving


class Receiver(_Closing):
    """Receives all messages of a FIFO, from whichever writers come and go. A message that was read ahead dies with the program."""

    def __init__(self, path: Path, message_max: int = MESSAGE_MAX) -> None:
        """Makes the FIFO if there is none. A larger message ends the stream: EMSGSIZE."""
        self.message_max = message_max
        self.truncated = 0
        """Frames whose writer left in the middle; what there was of them is gone."""
        self._fifo = _Fifo(os.fspath(path))
        self._buffer = bytearray()
        self._at = 0  # what receive has returned out of it

    def receive(self, timeout: Optional[float] = None) -> Optional[bytes]:
        """The next message; None when the time is over."""
        deadline = _Deadline(timeout)
        while True:
            message = self._next()
            if message is not None:
                return message
            if self._fill():
                continue
            if self._fifo.follow():
                self._drop_rest()
                continue
            if deadline.is_over():
                return None
            self._fifo.wait(deadline.left(_LOOK))

    def __iter__(self) -> Iterator[bytes]:
        """Messages, for ever."""
        while True:
            message = self.receive()
            if message is not None:
                yield message

    def close(self) -> None:
        self._fifo.close()

    def _next(self) -> Optional[bytes]:
        begin = self._at + _HEADER.size
        if begin > len(self._buffer):
            return None
        (size,) = _HEADER.unpack_from(self._buffer, self._at)
        if size > self.message_max:
            _fail(errno.EMSGSIZE, self._fifo.path)
        if begin + size > len(self._buffer):
            return None
        self._at = begin + size
        return bytes(self._buffer[begin : self._at])

    def _fill(self) -> bool:
        del self._buffer[: self._at]
        self._at = 0
        try:
            data = os.read(self._fifo.fd, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self._drop_rest()
        self._buffer += data
        return bool(data)

    def _drop_rest(self) -> None:
        """No writer is left, or the FIFO is another: nobody finishes the frame that was begun."""
        self.truncated += bool(self._buffer)
        self._buffer.clear()
        self._at = 0


# ---- work queues


class Work(NamedTuple):
    """A message at work."""

    data: bytes
    attempt: int
    """1 for the first worker that got it."""


class Worker(_Closing):
    """One of several equal readers of a FIFO. What it received and did not acknowledge when it ends, in whatever way, another one gets.

    standpipe/client/work.h has the guarantee, and what lies beside the FIFO: PATH.lock, and PATH.work with a file a message."""

    _message = re.compile(r"(\d{1,20})-(\d{1,9})")

    def __init__(self, path: Path, message_max: int = MESSAGE_MAX, attempts_max: int = _ATTEMPTS_MAX) -> None:
        """Makes the FIFO if there is none. After attempts_max attempts without being acknowledged (0: never) a message is set aside."""
        self.path = os.fspath(path)
        self.message_max = message_max
        self.attempts_max = attempts_max
        self.truncated = 0
        """Frames whose writer left in the middle, found by this worker."""
        self.failed = 0
        """Messages that this worker has set aside, as PATH.work/failed-..."""
        self._held = (-1, "")  # the file of the message at work
        self._has_begun = False  # has looked at what an earlier worker left of a frame
        self._incomplete_since: Optional[float] = None  # bytes are in the FIFO, but no whole frame
        self._looked = time.monotonic() - _LOOK
        self._fifo = _Fifo(self.path)
        self._fds: List[int] = []
        try:
            status = os.fstat(self._fifo.fd)
            self._mode = 0o660 if status.st_mode & 0o040 else 0o600
            self._fds.append(self._open_lock(self.path + ".lock", status))
            self._fds.append(self._open_folder(self.path + ".work", status))
            self._fds += os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except BaseException:
            self.close()
            raise
        self._lock_fd, self._folder_fd, self._peek_out, self._peek_in = self._fds

    def receive(self, timeout: Optional[float] = None) -> Optional[Work]:
        """The next message; None when the time is over. The last one must be acknowledged or released: EBUSY."""
        deadline = _Deadline(timeout)
        if self._held[0] >= 0:
            _fail(errno.EBUSY, self.path)
        while True:
            if self._look() or self._take(deadline):
                return self._load()
            if self._fifo.follow():
                self._has_begun = False
                continue
            if deadline.is_over():
                return None
            self._fifo.wait(deadline.left(_LOOK if self._incomplete_since is None else _PATIENCE))

    def acknowledge(self) -> None:
        """The message is done. FileNotFoundError: there is none, or somebody removed its file."""
        fd, name = self._held
        if fd < 0:
            _fail(errno.ENOENT, self.path)
        try:
            os.unlink(name, dir_fd=self._folder_fd)
        finally:
            self._let_go()

    def release(self) -> None:
        """Gives the message back: another worker gets it within a second, as its next attempt, or this one after a second."""
        if self._held[0] < 0:
            _fail(errno.ENOENT, self.path)
        self._let_go()
        self._looked = time.monotonic()

    def close(self) -> None:
        """Others get the message at work."""
        self._let_go()
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        self._fifo.close()

    def _let_go(self) -> None:
        fd, self._held = self._held[0], (-1, "")
        if fd >= 0:
            os.close(fd)

    # what lies beside the FIFO

    @staticmethod
    def _open_lock(path: str, fifo: os.stat_result) -> int:
        """Opens and creates in turn, because O_CREAT on somebody else's file in a shared folder is refused (fs.protected_regular)."""
        while True:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
                break
            except FileNotFoundError:
                pass
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                _give_to(fd, fifo, 0o600 | fifo.st_mode & 0o044)
                break
            except FileExistsError:
                pass
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        _fail(errno.ENOTSUP, path)

    @staticmethod
    def _open_folder(path: str, fifo: os.stat_result) -> int:
        """Whoever may write there could make us handle any message, so that is ours, root's or the FIFO's owner's, and a group's only if
        the FIFO is the group's as well."""
        try:
            os.mkdir(path, 0o700)
            made = True
        except FileExistsError:
            made = False
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        if made:
            _give_to(fd, fifo, 0o2770 if fifo.st_mode & 0o040 else 0o700)
        status = os.fstat(fd)
        is_groups = bool(status.st_mode & 0o020) and status.st_gid != fifo.st_gid
        if not status.st_mode & 0o002 and not is_groups and status.st_uid in (os.geteuid(), 0, fifo.st_uid):
            return fd
        os.close(fd)
        _fail(errno.EPERM, path)

    # a frame from the FIFO into a file, under the lock

    def _take(self, deadline: _Deadline) -> bool:
        if not _lock(self._lock_fd, deadline):
            return False
        try:
            return self._take_locked()
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def _take_locked(self) -> bool:
        """The file for the next frame of this FIFO becomes that of our message, once the frame is whole. The number of a file is a name
        that no other file in the folder has."""
        name = f"next-{os.fstat(self._fifo.fd).st_ino}"
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, self._mode, dir_fd=self._folder_fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._move(fd):
                held = f"{os.fstat(fd).st_ino}-1"
                os.fchmod(fd, self._mode)
                os.rename(name, held, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd)
                self._held, fd = (fd, held), -1
                return True
        except BlockingIOError:
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return False

    def _move(self, fd: int) -> bool:
        have = os.fstat(fd).st_size
        if have and not self._has_begun and have < _whole(fd, have):
            begins_again = self._begins_again(fd, have)
            if begins_again is None:
                return False
            if begins_again:
                os.ftruncate(fd, 0)
                have = 0
        self._has_begun = True
        if have:
            return self._move_rest(fd, have)
        waiting = self._fifo.bytes_waiting()
        is_due = waiting > 0 and self._is_due(waiting)
        if is_due or not waiting:
            self._incomplete_since = None
        return is_due and self._move_rest(fd, 0)

    def _begins_again(self, fd: int, have: int) -> Optional[bool]:
        """Where all readers have died in the middle of a large frame, a hub sends it again from its beginning. None: nothing came yet."""
        enough = min(have, _COMPARE)
        if self._fifo.bytes_waiting() == 0 and self._fifo.has_writers():
            return None
        deadline = _Deadline(_PATIENCE)
        while self._fifo.bytes_waiting() < enough and not deadline.is_over():
            time.sleep(0.001)
        now = self._peek(enough)
        return len(now) >= _HEADER.size and os.pread(fd, len(now), 0) == now

    def _is_due(self, waiting: int) -> bool:
        """Whether the frame at the FIFO's head, of which nothing was taken yet, is to be moved. `waiting` bytes are there."""
        header = self._peek(_HEADER.size)
        if len(header) == _HEADER.size:
            (size,) = _HEADER.unpack(header)
            if size > self.message_max:
                _fail(errno.EMSGSIZE, self.path)
            if waiting >= _HEADER.size + size:
                return True
        if not self._fifo.has_writers():  # nobody finishes it, if that was so all the time
            if self._fifo.bytes_waiting() == waiting:
                self._discard(waiting)
            return False
        now = time.monotonic()
        if self._incomplete_since is None:
            self._incomplete_since = now
        return now - self._incomplete_since >= _PATIENCE

    def _move_rest(self, fd: int, have: int) -> bool:
        """Moves what there is of the frame of which `have` bytes are in the file: the kernel moves it, so that a killed process has moved
        it or not."""
        offset = ctypes.c_int64(have)
        while True:
            whole = _whole(fd, offset.value)
            if whole - _HEADER.size > self.message_max:
                os.ftruncate(fd, 0)
                _fail(errno.EMSGSIZE, self.path)
            if offset.value >= max(whole, _HEADER.size):
                return True
            moved = _libc.splice(self._fifo.fd, None, fd, ctypes.byref(offset), whole - offset.value, _NONBLOCK)
            if moved == 0:  # no writer is left to finish it
                self.truncated += 1
                os.ftruncate(fd, 0)
                return False
            if moved < 0 and ctypes.get_errno() == errno.EAGAIN:
                return False
            if moved < 0 and ctypes.get_errno() != errno.EINTR:
                _fail(ctypes.get_errno(), self.path)

    def _peek(self, size: int) -> bytes:
        """What is at the FIFO's head, which it leaves there."""
        copied = _libc.tee(self._fifo.fd, self._peek_in, size, _NONBLOCK)
        if copied < 0 and ctypes.get_errno() != errno.EAGAIN:
            _fail(ctypes.get_errno(), self.path)
        data = b""
        while len(data) < copied:
            data += os.read(self._peek_out, copied - len(data))
        return data

    def _discard(self, size: int) -> None:
        while size > 0:
            size -= len(os.read(self._fifo.fd, size)) or size
        self.truncated += 1

    # messages of workers that have ended

    def _look(self) -> bool:
        """Looks through the folder, each second. True: there is a message, and it is ours now."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return False
        self._looked = now
        for name in os.listdir(self._folder_fd):
            found = self._message.fullmatch(name)
            if found and self._adopt(name, int(found[1]), int(found[2])):
                self._looked = now - _LOOK  # there may be more
                return True
        return False

    def _adopt(self, name: str, file: int, attempt: int) -> bool:
        has_failed = 0 < self.attempts_max <= attempt
        renamed = f"failed-{file}" if has_failed else f"{file}-{attempt + 1}"
        try:
            fd = os.open(name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder_fd)
        except OSError:
            return False  # it was acknowledged meanwhile
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink == 0:
                return False
            os.rename(name, renamed, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd)
            self.failed += has_failed
            if not has_failed:
                self._held, fd = (fd, renamed), -1
            return not has_failed
        except OSError:
            return False
        finally:
            if fd >= 0:
                os.close(fd)

    def _load(self) -> Work:
        fd, name = self._held
        try:
            size = os.fstat(fd).st_size
            if not _HEADER.size <= size <= self.message_max + _HEADER.size:
                _fail(errno.EBADMSG, name)
            frame = bytearray()
            while len(frame) < size:
                piece = os.pread(fd, size - len(frame), len(frame))
                if not piece:
                    _fail(errno.EIO, name)
                frame += piece
        except BaseException:
            self.release()
            raise
        return Work(bytes(memoryview(frame)[_HEADER.size :]), int(name.partition("-")[2]))


def _whole(fd: int, have: int) -> int:
    """How long the frame in the file will be, as far as its header is there; else as long as a header."""
    if have < _HEADER.size:
        return _HEADER.size
    size: int = _HEADER.unpack(os.pread(fd, _HEADER.size, 0))[0]
    return _HEADER.size + size


def _give_to(fd: int, fifo: os.stat_result, mode: int) -> None:
    try:
        os.fchown(fd, fifo.st_uid, fifo.st_gid)
    except PermissionError:
        pass  # only root can
    os.fchmod(fd, mode)


# ---- request and reply


class Requester(_Closing):
    """Sends requests to a service behind a hub, and waits for each reply. standpipe/client/request.h has the rules."""

    _name = re.compile(r"[0-9a-f]{32}")
    _litter_age = 60.0  # s; younger FIFOs may be about to be opened
    _litter_names = 1000  # so many are looked at

    def __init__(self, requests: Path, replies: Path, timeout: Optional[float] = None, mode: int = 0o600) -> None:
        """Makes a FIFO of its own in the folder `replies`, and removes it in the end. Waits for a hub that is just starting. For a hub
        that runs as another user, mode is 0o620 or 0o622."""
        folder = os.fspath(replies)
        self._check_folder(folder)
        self.reply_to = os.urandom(16).hex()
        self.late = 0
        """Replies that nobody waited for any more, and that were dropped."""
        self._requests = 0
        self._tidy(folder)
        self._path = os.path.join(folder, self.reply_to)
        self._in = Receiver(self._path)
        try:
            os.chmod(self._path, mode)
            self._out = Sender(requests, timeout)
        except BaseException:
            self._close_in()
            raise

    def request(self, body: Json, timeout: Optional[float] = None) -> Optional[Json]:
        """The reply; None: none came in time, and whether the service has acted is not known. TimeoutError: the request was not sent."""
        deadline = _Deadline(timeout)
        self._requests += 1
        number = f"{self.reply_to}-{self._requests}"
        message = json.dumps({**body, "reply_to": self.reply_to, "id": number}, separators=(",", ":"))
        self._out.send(message.encode(), timeout)
        while True:
            reply = self._in.receive(None if timeout is None else deadline.left(timeout))
            if reply is None:
                return None
            answer = _object(reply)
            if answer is not None and answer.get("id") == number:
                return answer
            self.late += 1

    def close(self) -> None:
        self._out.close()
        self._close_in()

    def _close_in(self) -> None:
        self._remove(self._path)
        self._in.close()

    @staticmethod
    def _remove(path: str) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass  # another requester was tidy, too

    @staticmethod
    def _check_folder(folder: str) -> None:
        """A folder that everybody may write to must at least keep them from replacing our FIFO."""
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        mode = os.stat(folder).st_mode
        if not stat.S_ISDIR(mode):
            _fail(errno.ENOTDIR, folder)
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            _fail(errno.EPERM, folder)

    @classmethod
    def _tidy(cls, folder: str) -> None:
        """Removes what killed requesters left."""
        with os.scandir(folder) as entries:
            for _, entry in zip(range(cls._litter_names), entries):
                if cls._name.fullmatch(entry.name) and cls._is_litter(entry.path):
                    cls._remove(entry.path)

    @classmethod
    def _is_litter(cls, path: str) -> bool:
        """A FIFO of this user that nobody reads and that is not new."""
        try:
            status = os.lstat(path)
            if not stat.S_ISFIFO(status.st_mode) or status.st_uid != os.geteuid() or time.time() - status.st_ctime < cls._litter_age:
                return False
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
            return False
        except OSError as e:
            return e.errno == errno.ENXIO


def reply(out: Sender, request: Union[Bytes, Work], body: Json, timeout: Optional[float] = None) -> None:
    """For a service: sends the body with the request's reply_to and id. ValueError: the request is no JSON object with a reply_to.
    The request is what a Receiver or a Worker has received."""
    asked = _object(request.data if isinstance(request, Work) else request)
    if asked is None or "reply_to" not in asked:
        raise ValueError("the request is no JSON object with a reply_to")
    answer = {**body, "reply_to": asked["reply_to"], "id": asked.get("id")}
    out.send(json.dumps(answer, separators=(",", ":")).encode(), timeout)


def _object(message: Bytes) -> Optional[Json]:
    try:
        value = json.loads(bytes(message))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
