/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client.h: for programs that write to a hub's FIFO and read from one. Header-only, C11,
 * POSIX and Linux; it needs no library and no running hub to compile. C++ authors include
 * <standpipe/client.hpp> instead.
 *
 *   standpipe_sender out;
 *   if (standpipe_sender_open(&out, "/tmp/orders", 5000) == 0)
 *     standpipe_send(&out, "order 66", 8, 5000);
 *   standpipe_sender_close(&out);
 *
 *   standpipe_receiver in;
 *   standpipe_message_view m;
 *   if (standpipe_receiver_open(&in, "/tmp/billing", 0) == 0)
 *     while (standpipe_receive(&in, &m, -1) == 1) use(m.data, m.size);
 *   standpipe_receiver_close(&in);
 *
 * Functions return 0 (or what is said), or a negative errno. Timeouts are in milliseconds; -1 waits
 * for ever, 0 does not wait. One object is for one thread at a time; different objects are
 * independent. SIGPIPE is never raised.
 */
#ifndef STANDPIPE_CLIENT_H
#define STANDPIPE_CLIENT_H

/* POSIX and Linux, also under -std=c11. */
#if !defined(_GNU_SOURCE) && !defined(_DEFAULT_SOURCE)
#ifdef _FEATURES_H
#error "include <standpipe/client.h> first, or compile with -D_GNU_SOURCE"
#endif
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <standpipe/wire.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

/* How long a frame that was begun is tried to be finished when its time is over: a frame without an
 * end costs the hub's reader more than the wait costs the writer. */
#define STANDPIPE_CLIENT_GRACE_MS 5000

/* ---- time and waiting ------------------------------------------------------------------------ */

static inline int64_t standpipe_client_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* When a timeout that begins now is over; -1: never. */
static inline int64_t standpipe_client_end(int timeout_ms) {
  return timeout_ms < 0 ? -1 : standpipe_client_now() + timeout_ms;
}

/* What is left until then, for poll: at most a minute, at least 0; -1 for ever. */
static inline int standpipe_client_left(int64_t end) {
  int64_t left;
  if (end < 0) return -1;
  left = end - standpipe_client_now();
  return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static inline int standpipe_client_is_over(int64_t end) {
  return end >= 0 && standpipe_client_now() >= end;
}

static inline void standpipe_client_pause(int ms) {
  const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
  (void)nanosleep(&t, NULL);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* A FIFO that is written to. `path` is borrowed for as long as the sender lives. */
typedef struct standpipe_sender {
  const char* path;
  int fd;               /* -1: not connected; the next send connects */
  uint32_t message_max; /* a larger message is refused with -EMSGSIZE; 16 MiB unless changed */
} standpipe_sender;

/* Opens once. -ENOENT, -ENXIO or -EAGAIN: the hub is not there, or is stopping. */
static inline int standpipe_sender_try_open(standpipe_sender* s) {
  struct stat status;
  const int fd = open(s->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) {
    (void)close(fd);
    return -ENOTSUP; /* no FIFO */
  }
  if ((status.st_mode & 0777) == 0) { /* so a stopping hub tells new writers, root among them */
    (void)close(fd);
    return -EAGAIN;
  }
  s->fd = fd;
  return 0;
}

/* Connects; waits for a hub that is just starting. -ETIMEDOUT: nobody read the FIFO in time;
 * -ENOTSUP: the path is no FIFO; -EACCES: no permission. */
static inline int standpipe_sender_connect(standpipe_sender* s, int64_t end) {
  for (;;) {
    const int error = standpipe_sender_try_open(s);
    const int may_come = error == -ENOENT || error == -ENXIO || error == -EAGAIN || error == -EINTR;
    if (error == 0 || !may_come) return error;
    if (standpipe_client_is_over(end)) return -ETIMEDOUT;
    standpipe_client_pause(20); /* nothing announces a FIFO's first reader */
  }
}

static inline int standpipe_sender_open(standpipe_sender* s, const char* path, int timeout_ms) {
  s->path = path;
  s->fd = -1;
  s->message_max = STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT;
  return standpipe_sender_connect(s, standpipe_client_end(timeout_ms));
}

static inline void standpipe_sender_close(standpipe_sender* s) {
  if (s->fd >= 0) (void)close(s->fd);
  s->fd = -1;
}

/* An exclusive lock on the FIFO, as `standpipe send` and the hub's forward take it: so frames of
 * more than PIPE_BUF bytes do not mix. */
static inline int standpipe_client_lock(int fd, int64_t end) {
  int pause = 1;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return -errno;
    if (standpipe_client_is_over(end)) return -ETIMEDOUT;
    standpipe_client_pause(pause);
    if (pause < 16) pause *= 2;
  }
  return 0;
}

/* write without SIGPIPE, whatever the program does with that signal. */
static inline ssize_t standpipe_client_write(int fd, const void* data, size_t size) {
  sigset_t pipe_only, before, pending;
  int was_pending, error;
  ssize_t written;
  const struct timespec at_once = {0, 0};
  (void)sigemptyset(&pipe_only);
  (void)sigaddset(&pipe_only, SIGPIPE);
  (void)sigpending(&pending);
  was_pending = sigismember(&pending, SIGPIPE) == 1;
  (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  written = write(fd, data, size);
  error = errno;
  if (written < 0 && error == EPIPE && !was_pending)
    while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR) {
    }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return written;
}

/* Writes it all, waiting for room. *written says how far it came. */
static inline int standpipe_client_write_all(int fd, const uint8_t* data, size_t size, int64_t end,
                                             size_t* written) {
  int is_in_grace = 0;
  while (*written < size) {
    struct pollfd waiting;
    const ssize_t n = standpipe_client_write(fd, data + *written, size - *written);
    if (n > 0) {
      *written += (size_t)n;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -errno;
    if (standpipe_client_is_over(end)) {
      if (*written == 0 || is_in_grace) return -ETIMEDOUT;
      is_in_grace = 1;
      end = standpipe_client_end(STANDPIPE_CLIENT_GRACE_MS);
    }
    waiting.fd = fd;
    waiting.events = POLLOUT;
    waiting.revents = 0;
    (void)poll(&waiting, 1, standpipe_client_left(end));
  }
  return 0;
}

/* A frame of at most PIPE_BUF bytes goes out by one write, which the kernel keeps whole. */
static inline int standpipe_client_write_frame(int fd, const void* data, size_t size, int64_t end,
                                               size_t* written) {
  uint8_t small[PIPE_BUF];
  uint8_t* frame = small;
  int error;
  if (STANDPIPE_WIRE_HEADER_BYTES + size > sizeof small)
    frame = (uint8_t*)malloc(STANDPIPE_WIRE_HEADER_BYTES + size);
  if (!frame) return -ENOMEM;
  standpipe_wire_put_length(frame, (uint32_t)size);
  if (size > 0) memcpy(frame + STANDPIPE_WIRE_HEADER_BYTES, data, size);
  error = standpipe_client_write_all(fd, frame, STANDPIPE_WIRE_HEADER_BYTES + size, end, written);
  if (frame != small) free(frame);
  return error;
}

/* Sends one message whole, under the lock. If the reader has left, connects anew and sends it to
 * the next one, within the timeout. Returns 0 when all of it is in the FIFO.
 *
 * -ETIMEDOUT: nothing of it was sent. -EMSGSIZE: it is larger than message_max. -EPIPE: the reader
 * left while the message was being written; a part of it may be in the FIFO, which a hub discards,
 * and sending it again may deliver it twice. */
static inline int standpipe_send(standpipe_sender* s, const void* data, size_t size,
                                 int timeout_ms) {
  const int64_t end = standpipe_client_end(timeout_ms);
  if (size > s->message_max) return -EMSGSIZE;
  for (;;) {
    size_t written = 0;
    int error = s->fd >= 0 ? 0 : standpipe_sender_connect(s, end);
    if (error) return error;
    error = standpipe_client_lock(s->fd, end);
    if (error) return error;
    error = standpipe_client_write_frame(s->fd, data, size, end, &written);
    (void)flock(s->fd, LOCK_UN);
    if (error == 0) return 0;
    if (error == -EPIPE || written > 0) standpipe_sender_close(s);
    if (written > 0) return -EPIPE;
    if (error != -EPIPE) return error;
  }
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Valid until the next call of standpipe_receive or standpipe_receiver_close. */
typedef struct standpipe_message_view {
  const uint8_t* data;
  uint32_t size;
} standpipe_message_view;

/* A FIFO that is read. Writers may come and go: it waits for the next one. */
typedef struct standpipe_receiver {
  int fd;
  int epoll_fd;
  uint8_t* buffer;
  size_t capacity, begin, end; /* what was read and not taken: begin <= end <= capacity */
  uint32_t message_max;
  uint64_t truncated; /* frames whose writer left in the middle; what there was of them is gone */
} standpipe_receiver;

static inline void standpipe_receiver_close(standpipe_receiver* r) {
  if (r->fd >= 0) (void)close(r->fd);
  if (r->epoll_fd >= 0) (void)close(r->epoll_fd);
  free(r->buffer);
  r->fd = r->epoll_fd = -1;
  r->buffer = NULL;
  r->capacity = r->begin = r->end = 0;
}

/* Edge-triggered: poll on a FIFO without writers returns at once, again and again. */
static inline int standpipe_receiver_watch(standpipe_receiver* r) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN | EPOLLET;
  r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (r->epoll_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->fd, &event) != 0) return -errno;
  return 0;
}

/* Makes the FIFO (mode 0600) if there is none; messages up to message_max bytes are taken, 0 means
 * 16 MiB. -ENOTSUP: the path is no FIFO. */
static inline int standpipe_receiver_open(standpipe_receiver* r, const char* path,
                                          uint32_t message_max) {
  struct stat status;
  int error = 0;
  memset(r, 0, sizeof *r);
  r->fd = r->epoll_fd = -1;
  r->message_max = message_max ? message_max : STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT;
  if (mkfifo(path, 0600) != 0 && errno != EEXIST) return -errno;
  r->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (r->fd < 0) return -errno;
  if (fstat(r->fd, &status) != 0 || !S_ISFIFO(status.st_mode)) error = -ENOTSUP;
  if (!error) error = standpipe_receiver_watch(r);
  if (error) standpipe_receiver_close(r);
  return error;
}

/* 1: there is a whole message; 0: not yet; -EMSGSIZE: the stream makes no sense from here on. */
static inline int standpipe_receiver_next(standpipe_receiver* r, standpipe_message_view* message) {
  const size_t have = r->end - r->begin;
  uint32_t size;
  if (have < STANDPIPE_WIRE_HEADER_BYTES) return 0;
  size = standpipe_wire_get_length(r->buffer + r->begin);
  if (size > r->message_max) return -EMSGSIZE;
  if (have - STANDPIPE_WIRE_HEADER_BYTES < size) return 0;
  message->data = r->buffer + r->begin + STANDPIPE_WIRE_HEADER_BYTES;
  message->size = size;
  r->begin += STANDPIPE_WIRE_HEADER_BYTES + size;
  return 1;
}

/* Room for a FIFO's default capacity more; memory grows with what comes, not with what a length
 * claims. */
static inline int standpipe_receiver_make_room(standpipe_receiver* r) {
  const size_t piece = 65536;
  uint8_t* larger;
  if (r->begin > 0) {
    memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
  }
  if (r->capacity - r->end >= piece) return 0;
  larger = (uint8_t*)realloc(r->buffer, 2 * r->capacity + piece);
  if (!larger) return -ENOMEM;
  r->buffer = larger;
  r->capacity = 2 * r->capacity + piece;
  return 0;
}

/* The next message. Returns 1, 0 when the time is over, -EMSGSIZE when the stream makes no sense
 * (close it, and open it again when its writers have left), or another negative errno. A message
 * that was returned is gone from the FIFO: what is read ahead dies with this program. */
static inline int standpipe_receive(standpipe_receiver* r, standpipe_message_view* message,
                                    int timeout_ms) {
  const int64_t end = standpipe_client_end(timeout_ms);
  message->data = NULL;
  message->size = 0;
  for (;;) {
    struct epoll_event event;
    ssize_t n;
    int found = standpipe_receiver_next(r, message);
    if (found != 0) return found;
    found = standpipe_receiver_make_room(r);
    if (found != 0) return found;
    n = read(r->fd, r->buffer + r->end, r->capacity - r->end);
    if (n > 0) {
      r->end += (size_t)n;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return -errno;
    if (n == 0 && r->end > r->begin) { /* no writer is left to finish it */
      ++r->truncated;
      r->begin = r->end = 0;
    }
    if (standpipe_client_is_over(end)) return 0;
    (void)epoll_wait(r->epoll_fd, &event, 1, standpipe_client_left(end));
  }
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
