/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/base.h: what the parts of client.h share: time, the lock, the FIFO's name. Part
 * of client.h; not for programs.
 */
#ifndef STANDPIPE_CLIENT_BASE_H
#define STANDPIPE_CLIENT_BASE_H

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
#include <sys/ioctl.h>
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

/* How often what nobody announces is looked for: a FIFO that was made again, a worker that died. */
#define STANDPIPE_CLIENT_LOOK_MS 1000

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

/* An exclusive lock. -ETIMEDOUT: others had it all the time. */
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

/* ---- a FIFO and its name --------------------------------------------------------------------- */

/* Makes the FIFO (mode 0600) if there is none, and opens it to read. Returns the descriptor, or
 * -ENOTSUP: the path is no FIFO; or another negative errno. */
static inline int standpipe_client_open_to_read(const char* path) {
  struct stat status;
  int fd;
  if (mkfifo(path, 0600) != 0 && errno != EEXIST) return -errno;
  fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  if (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode)) return fd;
  (void)close(fd);
  return -ENOTSUP;
}

/* 1: the path leads to another file than the open one; 0: to the same; -ENOENT: to nothing. */
static inline int standpipe_client_was_replaced(int fd, const char* path) {
  struct stat open_one, named;
  if (fstat(fd, &open_one) != 0) return -errno;
  if (stat(path, &named) != 0) return errno == ENOENT ? -ENOENT : 0;
  return open_one.st_dev != named.st_dev || open_one.st_ino != named.st_ino;
}

/* Edge-triggered: poll on a FIFO without writers returns at once, again and again. Returns the
 * descriptor to wait with, or a negative errno. */
static inline int standpipe_client_watch(int fd) {
  struct epoll_event event;
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int error;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN | EPOLLET;
  if (epoll_fd < 0) return -errno;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) return epoll_fd;
  error = errno;
  (void)close(epoll_fd);
  return -error;
}

/* Where the FIFO was removed or replaced, opens what is at its path now, and makes it if nothing
 * is. Returns 1 if *fd and *epoll_fd are others now, 0 if not, or a negative errno; then they are
 * as they were. `looked` says when that was done last. */
static inline int standpipe_client_follow(const char* path, int* fd, int* epoll_fd,
                                          int64_t* looked) {
  int fresh, watch;
  const int64_t now = standpipe_client_now();
  if (now - *looked < STANDPIPE_CLIENT_LOOK_MS) return 0;
  *looked = now;
  if (standpipe_client_was_replaced(*fd, path) == 0) return 0;
  fresh = standpipe_client_open_to_read(path);
  if (fresh < 0) return fresh;
  watch = standpipe_client_watch(fresh);
  if (watch < 0) {
    (void)close(fresh);
    return watch;
  }
  (void)close(*fd);
  (void)close(*epoll_fd);
  *fd = fresh;
  *epoll_fd = watch;
  return 1;
}

/* Until bytes come, at most `most` ms and not beyond `end`. */
static inline void standpipe_client_wait(int epoll_fd, int64_t end, int most) {
  struct epoll_event event;
  const int left = standpipe_client_left(end);
  (void)epoll_wait(epoll_fd, &event, 1, left >= 0 && left < most ? left : most);
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
