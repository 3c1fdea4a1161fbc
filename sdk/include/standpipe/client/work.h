/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/work.h: several equal readers of one FIFO, each of which receives a message and
 * acknowledges it. Part of client.h, whose head has the rules.
 *
 *   standpipe_worker w;
 *   standpipe_work work;
 *   if (standpipe_worker_open(&w, "/tmp/work", 0) == 0)
 *     while (standpipe_worker_receive(&w, &work, -1) == 1) {
 *       do_it(work.data, work.size);
 *       standpipe_worker_acknowledge(&w);
 *     }
 *   standpipe_worker_close(&w);
 *
 * Guarantee. A message goes to one worker at a time. If that worker ends without acknowledging it,
 * in whatever way (kill -9 included) and at whatever instant, another worker gets it: within a
 * second if one runs, or else as soon as one starts. So each message is handled at least once, and
 * twice only if its worker ended between doing the work and acknowledging it; `attempt` says so. No
 * message is lost or broken up by a worker's death, and at most message_max bytes of memory are
 * used. What this does not cover is a crash of the machine: neither the FIFO nor the files are
 * forced to the disk.
 *
 * How. Two things lie beside the FIFO, made by the first worker; remove them when none runs.
 *
 *   PATH.lock   an empty file. Whoever has locked it (flock) takes whole frames out of the FIFO, as
 *               `standpipe recv --shared` and `recv --exec` do: they may run beside these workers,
 *               but what they took dies with them. It is never held while a message is waited for.
 *   PATH.work/  a folder. A frame is moved, by the kernel, from the FIFO into a file there (splice:
 * a killed process has moved it or not), and is then named after its worker's lock: as long as the
 * worker lives, it has the file locked. Acknowledging removes the file. A file that nobody has
 * locked is taken over. FILE-ATTEMPT is a message at an attempt, next-FIFO the frame that is being
 * moved, failed-FILE one that was set aside. Each is a whole frame, as it was in the FIFO: `cat
 * PATH.work/failed-7 >PATH` sends one of at most PIPE_BUF bytes once more.
 *
 * A message that was not acknowledged attempts_max times (5) is set aside as failed-FILE, because
 * it may be what ends its workers; `failed` counts those. Order is kept only as far as workers keep
 * it.
 *
 * A frame that fits into the pipe is moved at once, when all of it is there. A larger one is moved
 * in pieces, by all workers in turn. If all readers die while that happens, the next one looks
 * whether the frame's beginning comes again, as a hub (on_reader_death: resend) does it, or its
 * rest.
 *
 * A child that was forked while a message was at work has it, too, until it ends or calls exec.
 *
 * Who may. All workers of a FIFO run as its owner, or in its group if that may read the FIFO. The
 * folder's filesystem must support splice, as ext4, xfs, btrfs, tmpfs and overlayfs do.
 */
#ifndef STANDPIPE_CLIENT_WORK_H
#define STANDPIPE_CLIENT_WORK_H

#include <standpipe/client/base.h>

#include <dirent.h>
#include <stdio.h>
#include <sys/syscall.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

/* How long the rest of a frame that would fit into the pipe is waited for before it is moved in
 * pieces: pages that are not full can fill the pipe before it is whole. */
#define STANDPIPE_WORKER_PATIENCE_MS 50
/* So much of a frame that was begun is compared with what comes next after all readers died. */
#define STANDPIPE_WORKER_COMPARE_BYTES 4096
#define STANDPIPE_WORKER_NAME_BYTES 64
#define STANDPIPE_WORKER_ATTEMPTS_MAX 5

/* A message at work, valid until it is acknowledged or released. */
typedef struct standpipe_work {
  const uint8_t* data;
  uint32_t size;    /* bytes */
  uint32_t attempt; /* 1 for the first worker that got it */
} standpipe_work;

typedef struct standpipe_worker {
  char* path;
  int fd, epoll_fd; /* of the FIFO */
  int lock_fd;      /* PATH.lock */
  int folder_fd;    /* PATH.work */
  mode_t file_mode; /* of what is made there */
  int peek_fds[2];  /* a pipe, to look at what is in the FIFO without taking it */
  int held_fd;      /* the file of the message at work; -1: there is none */
  char held[STANDPIPE_WORKER_NAME_BYTES];
  uint8_t* buffer;
  size_t capacity;
  uint32_t message_max;     /* bytes */
  uint32_t attempts_max;    /* 0: no limit */
  uint64_t truncated;       /* frames whose writer left in the middle, found by this worker */
  uint64_t failed;          /* messages that this worker has set aside */
  int has_begun;            /* has looked at what an earlier worker left of a frame */
  int64_t incomplete_since; /* bytes are in the FIFO, but no whole frame; 0: they are not */
  int64_t followed, looked; /* when the FIFO's name, and files of dead workers, were looked at */
} standpipe_worker;

static inline void standpipe_client_close_fd(int* fd) {
  if (*fd >= 0) (void)close(*fd);
  *fd = -1;
}

static inline void standpipe_worker_close(standpipe_worker* w) {
  standpipe_client_close_fd(&w->fd);
  standpipe_client_close_fd(&w->epoll_fd);
  standpipe_client_close_fd(&w->lock_fd);
  standpipe_client_close_fd(&w->folder_fd);
  standpipe_client_close_fd(&w->peek_fds[0]);
  standpipe_client_close_fd(&w->peek_fds[1]);
  standpipe_client_close_fd(&w->held_fd); /* others get that message */
  free(w->path);
  free(w->buffer);
  w->path = NULL;
  w->buffer = NULL;
  w->capacity = 0;
}

/* ---- what lies beside the FIFO --------------------------------------------------------------- */

/* As the command line makes it. Opens and creates in turn, because O_CREAT on somebody else's file
 * in a shared folder is refused (fs.protected_regular). */
static inline int standpipe_worker_open_lock(const char* path, const struct stat* fifo) {
  int turn, error = EEXIST;
  for (turn = 0; turn < 10 && error == EEXIST; ++turn) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
      fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (fd >= 0) {
        if (fchown(fd, fifo->st_uid, fifo->st_gid) != 0) errno = 0; /* only root can */
        (void)fchmod(fd, 0600 | (fifo->st_mode & 0044));
      }
    }
    error = errno;
    if (fd < 0) continue;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
    (void)close(fd);
    return -ENOTSUP;
  }
  return -error;
}

/* Whoever may write there could make us handle any message, so that is ours, root's or the FIFO's
 * owner's, and a group's only if the FIFO is the group's as well. */
static inline int standpipe_worker_open_folder(const char* path, const struct stat* fifo) {
  const mode_t group = fifo->st_mode & 0040 ? 02070 : 0;
  struct stat status;
  int fd;
  const int made = mkdir(path, 0700) == 0;
  if (!made && errno != EEXIST) return -errno;
  fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  if (made) {
    if (fchown(fd, fifo->st_uid, fifo->st_gid) != 0) errno = 0; /* only root can */
    (void)fchmod(fd, 0700 | group);
  }
  if (fstat(fd, &status) == 0 && !(status.st_mode & 0002) &&
      (!(status.st_mode & 0020) || status.st_gid == fifo->st_gid) &&
      (status.st_uid == geteuid() || status.st_uid == 0 || status.st_uid == fifo->st_uid))
    return fd;
  (void)close(fd);
  return -EPERM;
}

static inline int standpipe_worker_open_beside(standpipe_worker* w) {
  const size_t length = strlen(w->path) + sizeof ".lock";
  char* name = (char*)malloc(length);
  struct stat fifo;
  int error = 0;
  if (!name) return -ENOMEM;
  if (fstat(w->fd, &fifo) != 0) error = -errno;
  if (!error) {
    w->file_mode = 0600 | (fifo.st_mode & 0040 ? 0060 : 0);
    (void)snprintf(name, length, "%s.lock", w->path);
    w->lock_fd = standpipe_worker_open_lock(name, &fifo);
    if (w->lock_fd < 0) error = w->lock_fd;
  }
  if (!error) {
    (void)snprintf(name, length, "%s.work", w->path);
    w->folder_fd = standpipe_worker_open_folder(name, &fifo);
    if (w->folder_fd < 0) error = w->folder_fd;
  }
  free(name);
  return error;
}

static inline int standpipe_worker_open_peek(standpipe_worker* w) {
  int i;
  if (pipe(w->peek_fds) != 0) return -errno;
  for (i = 0; i < 2; ++i)
    if (fcntl(w->peek_fds[i], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(w->peek_fds[i], F_SETFL, O_NONBLOCK) != 0)
      return -errno;
  return 0;
}

/* Makes the FIFO (mode 0600) if there is none. `path` is copied. message_max: bytes, 0 means 16
 * MiB. -ENOTSUP: the FIFO, or PATH.lock, is something else; -EPERM: PATH.work is somebody else's,
 * or may be written to by others than the FIFO's readers. */
static inline int standpipe_worker_open(standpipe_worker* w, const char* path,
                                        uint32_t message_max) {
  int error = 0;
  memset(w, 0, sizeof *w);
  w->fd = w->epoll_fd = w->lock_fd = w->folder_fd = w->held_fd = -1;
  w->peek_fds[0] = w->peek_fds[1] = -1;
  w->message_max = message_max ? message_max : STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT;
  w->attempts_max = STANDPIPE_WORKER_ATTEMPTS_MAX;
  w->followed = standpipe_client_now();
  w->looked = w->followed - STANDPIPE_CLIENT_LOOK_MS; /* at once */
  w->path = strdup(path);
  if (!w->path) error = -ENOMEM;
  if (!error) w->fd = standpipe_client_open_to_read(path);
  if (!error && w->fd < 0) error = w->fd;
  if (!error) w->epoll_fd = standpipe_client_watch(w->fd);
  if (!error && w->epoll_fd < 0) error = w->epoll_fd;
  if (!error) error = standpipe_worker_open_beside(w);
  if (!error) error = standpipe_worker_open_peek(w);
  if (error) standpipe_worker_close(w);
  return error;
}

/* ---- what is in the FIFO --------------------------------------------------------------------- */

/* By number, because without _GNU_SOURCE the headers do not have them. */
static inline ssize_t standpipe_worker_splice(int from, int to, int64_t* offset, size_t size) {
  const unsigned nonblock = 2; /* SPLICE_F_NONBLOCK */
  return syscall(SYS_splice, from, NULL, to, offset, size, nonblock);
}

static inline int standpipe_worker_bytes_waiting(const standpipe_worker* w) {
  int bytes = 0;
  return ioctl(w->fd, FIONREAD, &bytes) == 0 ? bytes : -errno;
}

static inline int standpipe_worker_has_writers(const standpipe_worker* w) {
  struct pollfd look;
  look.fd = w->fd;
  look.events = POLLIN;
  look.revents = 0;
  return poll(&look, 1, 0) < 0 || !(look.revents & POLLHUP);
}

/* Copies what is at the FIFO's head and leaves it there. Returns how many bytes. */
static inline int standpipe_worker_peek(standpipe_worker* w, uint8_t* to, size_t size) {
  const unsigned nonblock = 2; /* SPLICE_F_NONBLOCK */
  size_t have = 0;
  const long copied = syscall(SYS_tee, w->fd, w->peek_fds[1], size, nonblock);
  if (copied < 0) return errno == EAGAIN ? 0 : -errno;
  while (have < (size_t)copied) {
    const ssize_t n = read(w->peek_fds[0], to + have, (size_t)copied - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? -errno : -EIO;
    have += (size_t)n;
  }
  return (int)have;
}

/* Takes so many bytes out of the FIFO, which are part of no frame. */
static inline void standpipe_worker_discard(standpipe_worker* w, int bytes) {
  uint8_t dropped[4096];
  while (bytes > 0) {
    const size_t want = (size_t)bytes < sizeof dropped ? (size_t)bytes : sizeof dropped;
    const ssize_t n = read(w->fd, dropped, want);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    bytes -= (int)n;
  }
  ++w->truncated;
}

/* ---- a frame from the FIFO into a file, under the lock --------------------------------------- */

/* How long the frame in the file will be, as far as its header is there; else as long as a header.
 */
static inline int64_t standpipe_worker_whole(int fd, int64_t have) {
  uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  if (have < STANDPIPE_WIRE_HEADER_BYTES) return STANDPIPE_WIRE_HEADER_BYTES;
  if (pread(fd, header, sizeof header, 0) != (ssize_t)sizeof header) return -EIO;
  return STANDPIPE_WIRE_HEADER_BYTES + (int64_t)standpipe_wire_get_length(header);
}

/* Where all readers have died in the middle of a large frame, a hub sends it again from its
 * beginning. 1: what is in the FIFO begins as the frame in the file does; 0: it does not; -EAGAIN:
 * there is nothing yet. */
static inline int standpipe_worker_begins_again(standpipe_worker* w, int fd, int64_t have) {
  uint8_t begun[STANDPIPE_WORKER_COMPARE_BYTES], now[STANDPIPE_WORKER_COMPARE_BYTES];
  const int enough = have < (int64_t)sizeof begun ? (int)have : (int)sizeof begun;
  const int64_t end = standpipe_client_end(STANDPIPE_WORKER_PATIENCE_MS);
  int copied;
  if (standpipe_worker_bytes_waiting(w) == 0 && standpipe_worker_has_writers(w)) return -EAGAIN;
  while (standpipe_worker_bytes_waiting(w) < enough && !standpipe_client_is_over(end))
    standpipe_client_pause(1);
  copied = standpipe_worker_peek(w, now, (size_t)enough);
  if (copied < STANDPIPE_WIRE_HEADER_BYTES || pread(fd, begun, (size_t)copied, 0) != copied)
    return 0;
  return memcmp(begun, now, (size_t)copied) == 0;
}

/* A frame that an earlier worker has begun is continued, begun again, or found whole. */
static inline int standpipe_worker_check_begun(standpipe_worker* w, int fd, int64_t* have) {
  int again;
  if (w->has_begun || *have == 0 || *have >= standpipe_worker_whole(fd, *have)) return 0;
  again = standpipe_worker_begins_again(w, fd, *have);
  if (again == 1) {
    if (ftruncate(fd, 0) != 0) return -errno;
    *have = 0;
  }
  return again < 0 ? again : 0;
}

/* Moves what there is of the frame of which `have` bytes are in the file. 1: it is whole. */
static inline int standpipe_worker_move_rest(standpipe_worker* w, int fd, int64_t have) {
  for (;;) {
    const int64_t whole = standpipe_worker_whole(fd, have);
    ssize_t moved;
    if (whole < 0) return (int)whole;
    if (whole - STANDPIPE_WIRE_HEADER_BYTES > w->message_max)
      return ftruncate(fd, 0) == 0 ? -EMSGSIZE : -errno;
    if (have >= STANDPIPE_WIRE_HEADER_BYTES && have >= whole) return 1;
    moved = standpipe_worker_splice(w->fd, fd, &have, (size_t)(whole - have)); /* moves `have` on */
    if (moved > 0) continue;
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return errno == EAGAIN ? 0 : -errno;
    ++w->truncated; /* no writer is left to finish it */
    return ftruncate(fd, 0) == 0 ? 0 : -errno;
  }
}

/* Nothing of the frame at the FIFO's head was taken yet. `waiting` bytes of it, and of what comes
 * after it, are there. 1: it is to be moved; 0: its rest is waited for. */
static inline int standpipe_worker_is_due(standpipe_worker* w, int waiting) {
  uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  int64_t whole = STANDPIPE_WIRE_HEADER_BYTES;
  const int64_t now = standpipe_client_now();
  const int seen = standpipe_worker_peek(w, header, sizeof header);
  if (seen < 0) return seen;
  if (seen == (int)sizeof header) {
    const uint32_t size = standpipe_wire_get_length(header);
    if (size > w->message_max) return -EMSGSIZE;
    whole += size;
    if (waiting >= whole) return 1;
  }
  if (!standpipe_worker_has_writers(w)) { /* nobody finishes it, if that was so all the time */
    if (standpipe_worker_bytes_waiting(w) == waiting) standpipe_worker_discard(w, waiting);
    return 0;
  }
  if (w->incomplete_since == 0) w->incomplete_since = now;
  return now - w->incomplete_since >= STANDPIPE_WORKER_PATIENCE_MS;
}

static inline int standpipe_worker_move(standpipe_worker* w, int fd) {
  struct stat status;
  int64_t have;
  int waiting, due;
  if (fstat(fd, &status) != 0) return -errno;
  have = status.st_size;
  due = standpipe_worker_check_begun(w, fd, &have);
  if (due != 0) return due == -EAGAIN ? 0 : due;
  w->has_begun = 1;
  if (have > 0) return standpipe_worker_move_rest(w, fd, have);
  waiting = standpipe_worker_bytes_waiting(w);
  if (waiting <= 0) {
    w->incomplete_since = 0;
    return waiting;
  }
  due = standpipe_worker_is_due(w, waiting);
  if (due != 1) return due;
  w->incomplete_since = 0;
  return standpipe_worker_move_rest(w, fd, 0);
}

/* The file for the next frame of this FIFO becomes that of our message, once the frame is whole.
 * The number of a file is a name that no other file in the folder has. */
static inline int standpipe_worker_take_locked(standpipe_worker* w) {
  char next[STANDPIPE_WORKER_NAME_BYTES];
  struct stat fifo, file;
  int fd, found;
  if (fstat(w->fd, &fifo) != 0) return -errno;
  (void)snprintf(next, sizeof next, "next-%llu", (unsigned long long)fifo.st_ino);
  fd = openat(w->folder_fd, next, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, w->file_mode);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    found = errno == EWOULDBLOCK ? 0 : -errno;
  else
    found = standpipe_worker_move(w, fd);
  if (found == 1) {
    if (fstat(fd, &file) != 0) found = -errno;
    (void)snprintf(w->held, sizeof w->held, "%llu-1", (unsigned long long)file.st_ino);
  }
  if (found == 1 &&
      (fchmod(fd, w->file_mode) != 0 || renameat(w->folder_fd, next, w->folder_fd, w->held) != 0))
    found = -errno;
  if (found == 1)
    w->held_fd = fd;
  else
    (void)close(fd);
  return found;
}

static inline int standpipe_worker_take(standpipe_worker* w, int64_t end) {
  int found = standpipe_client_lock(w->lock_fd, end);
  if (found) return found == -ETIMEDOUT ? 0 : found;
  found = standpipe_worker_take_locked(w);
  (void)flock(w->lock_fd, LOCK_UN);
  return found;
}

/* ---- messages of workers that have ended ----------------------------------------------------- */

/* "FILE-ATTEMPT", both of them numbers. */
static inline int standpipe_worker_is_message(const char* name, unsigned long long* file,
                                              unsigned* attempt) {
  int length = 0;
  if (*name < '0' || *name > '9') return 0;
  return sscanf(name, "%20llu-%9u%n", file, attempt, &length) == 2 && name[length] == '\0';
}

/* Locks the file if nobody has it. 1: the message is ours now. */
static inline int standpipe_worker_adopt(standpipe_worker* w, const char* name) {
  char renamed[STANDPIPE_WORKER_NAME_BYTES];
  unsigned long long file = 0;
  unsigned attempt = 0;
  struct stat status;
  int fd, has_failed;
  if (!standpipe_worker_is_message(name, &file, &attempt)) return 0;
  fd = openat(w->folder_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return 0; /* it was acknowledged meanwhile */
  has_failed = w->attempts_max > 0 && attempt >= w->attempts_max;
  if (has_failed)
    (void)snprintf(renamed, sizeof renamed, "failed-%llu", file);
  else
    (void)snprintf(renamed, sizeof renamed, "%llu-%u", file, attempt + 1);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &status) != 0 || status.st_nlink == 0 ||
      renameat(w->folder_fd, name, w->folder_fd, renamed) != 0) {
    (void)close(fd);
    return 0;
  }
  if (has_failed) {
    ++w->failed;
    (void)close(fd);
    return 0;
  }
  w->held_fd = fd;
  memcpy(w->held, renamed, sizeof renamed);
  return 1;
}

/* Looks through the folder, each second. */
static inline int standpipe_worker_look(standpipe_worker* w) {
  const int64_t now = standpipe_client_now();
  struct dirent* entry;
  DIR* folder;
  int fd, found = 0;
  if (now - w->looked < STANDPIPE_CLIENT_LOOK_MS) return 0;
  w->looked = now;
  fd = openat(w->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  folder = fdopendir(fd);
  if (!folder) {
    found = -errno;
    (void)close(fd);
    return found;
  }
  while (found == 0 && (entry = readdir(folder))) found = standpipe_worker_adopt(w, entry->d_name);
  (void)closedir(folder);
  if (found == 1) w->looked = now - STANDPIPE_CLIENT_LOOK_MS; /* there may be more */
  return found;
}

/* ---- the worker ------------------------------------------------------------------------------ */

/* Gives the message back: another worker, or this one, gets it within a second, as its next
 * attempt. 0, or -ENOENT: there is none. */
static inline int standpipe_worker_release(standpipe_worker* w) {
  if (w->held_fd < 0) return -ENOENT;
  standpipe_client_close_fd(&w->held_fd);
  w->looked = standpipe_client_now();
  return 0;
}

/* The message is done. Returns 0; -ENOENT: there is none, or somebody removed its file; or another
 * negative errno, and then it may come again. */
static inline int standpipe_worker_acknowledge(standpipe_worker* w) {
  int error = 0;
  if (w->held_fd < 0) return -ENOENT;
  if (unlinkat(w->folder_fd, w->held, 0) != 0) error = -errno;
  standpipe_client_close_fd(&w->held_fd);
  return error;
}

static inline int standpipe_worker_load(standpipe_worker* w, standpipe_work* work) {
  struct stat status;
  size_t have = 0, size;
  if (fstat(w->held_fd, &status) != 0) return -errno;
  size = (size_t)status.st_size;
  if (size < STANDPIPE_WIRE_HEADER_BYTES ||
      size > (size_t)w->message_max + STANDPIPE_WIRE_HEADER_BYTES)
    return -EBADMSG;
  if (size > w->capacity) {
    free(w->buffer);
    w->buffer = (uint8_t*)malloc(size);
    w->capacity = w->buffer ? size : 0;
    if (!w->buffer) return -ENOMEM;
  }
  while (have < size) {
    const ssize_t n = pread(w->held_fd, w->buffer + have, size - have, (off_t)have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? -errno : -EIO;
    have += (size_t)n;
  }
  work->data = w->buffer + STANDPIPE_WIRE_HEADER_BYTES;
  work->size = (uint32_t)(size - STANDPIPE_WIRE_HEADER_BYTES);
  work->attempt = (uint32_t)strtoul(strchr(w->held, '-') + 1, NULL, 10);
  return 1;
}

/* The next message. Returns 1, or 0 when the time is over. -EBUSY: the last one was neither
 * acknowledged nor released; -EMSGSIZE: a frame is larger than message_max, or what comes is no
 * frame: nothing of it was taken, so let no worker run and empty the FIFO; -ENOSPC: the disk is
 * full, and what has no room stays in the FIFO; or another negative errno. */
static inline int standpipe_worker_receive(standpipe_worker* w, standpipe_work* work,
                                           int timeout_ms) {
  const int64_t end = standpipe_client_end(timeout_ms);
  work->data = NULL;
  work->size = work->attempt = 0;
  if (w->held_fd >= 0) return -EBUSY;
  for (;;) {
    int found = standpipe_worker_look(w);
    if (found == 0) found = standpipe_worker_take(w, end);
    if (found == 1) found = standpipe_worker_load(w, work);
    if (found < 0) (void)standpipe_worker_release(w);
    if (found != 0) return found;
    found = standpipe_client_follow(w->path, &w->fd, &w->epoll_fd, &w->followed);
    if (found < 0) return found;
    if (found == 1) {
      w->has_begun = 0;
      continue;
    }
    if (standpipe_client_is_over(end)) return 0;
    standpipe_client_wait(
        w->epoll_fd, end,
        w->incomplete_since ? STANDPIPE_WORKER_PATIENCE_MS : STANDPIPE_CLIENT_LOOK_MS);
  }
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
