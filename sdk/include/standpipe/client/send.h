/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/send.h: sends messages into a FIFO. Part of client.h, whose head has the rules.
 *
 * A message of at most PIPE_BUF - 4 bytes (4,092) goes in by one write, which the kernel keeps
 * whole. All are written under an exclusive lock (flock) on the FIFO itself, which `standpipe
 * send`, the hub's forward and the other clients take as well, so that larger ones do not mix. A
 * message is at most message_max bytes.
 */
#ifndef STANDPIPE_CLIENT_SEND_H
#define STANDPIPE_CLIENT_SEND_H

#include <standpipe/client/base.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

/* A FIFO that is written to. `path` is borrowed for as long as the sender lives. */
typedef struct standpipe_sender {
  const char* path;
  int fd;               /* -1: not connected; the next send connects */
  uint32_t message_max; /* a larger message is refused with -EMSGSIZE; 16 MiB unless changed */
  int64_t looked;       /* when it was seen last that the path leads to this FIFO */
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
  s->looked = standpipe_client_now();
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

/* A reader that makes its FIFO again may keep the old one open for a while, or for ever. */
static inline void standpipe_sender_follow(standpipe_sender* s) {
  const int64_t now = standpipe_client_now();
  if (s->fd < 0 || now - s->looked < STANDPIPE_CLIENT_LOOK_MS) return;
  s->looked = now;
  if (standpipe_client_was_replaced(s->fd, s->path) == 1) standpipe_sender_close(s);
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

/* Sends one message whole, under the lock. If the reader has left, or (looked for each second) the
 * FIFO was made again, connects anew and sends it to the next reader, within the timeout. Returns 0
 * when all of it is in the FIFO.
 *
 * -ETIMEDOUT: nothing of it was sent. -EMSGSIZE: it is larger than message_max. -EPIPE: the reader
 * left while the message was being written; a part of it may be in the FIFO, which a hub discards,
 * and sending it again may deliver it twice. */
static inline int standpipe_send(standpipe_sender* s, const void* data, size_t size,
                                 int timeout_ms) {
  const int64_t end = standpipe_client_end(timeout_ms);
  if (size > s->message_max) return -EMSGSIZE;
  standpipe_sender_follow(s);
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

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
