/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/receive.h: receives all messages of a FIFO. Part of client.h, whose head has the
 * rules. For several readers of one FIFO, or messages that must survive this program, see work.h.
 */
#ifndef STANDPIPE_CLIENT_RECEIVE_H
#define STANDPIPE_CLIENT_RECEIVE_H

#include <standpipe/client/base.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

/* Valid until the next call of standpipe_receive or standpipe_receiver_close. */
typedef struct standpipe_message_view {
  const uint8_t* data;
  uint32_t size;
} standpipe_message_view;

/* A FIFO that is read. Writers may come and go: it waits for the next one. If the FIFO is removed,
 * it is made again, and one that took its place is opened instead, both within a second. */
typedef struct standpipe_receiver {
  char* path;
  int fd;
  int epoll_fd;
  uint8_t* buffer;
  size_t capacity, begin, end; /* what was read and not taken: begin <= end <= capacity */
  uint32_t message_max;
  uint64_t truncated; /* frames whose writer left in the middle; what there was of them is gone */
  int64_t looked;     /* when the FIFO's name was looked at last */
} standpipe_receiver;

static inline void standpipe_receiver_close(standpipe_receiver* r) {
  if (r->fd >= 0) (void)close(r->fd);
  if (r->epoll_fd >= 0) (void)close(r->epoll_fd);
  free(r->buffer);
  free(r->path);
  r->path = NULL;
  r->fd = r->epoll_fd = -1;
  r->buffer = NULL;
  r->capacity = r->begin = r->end = 0;
}

/* Makes the FIFO (mode 0600) if there is none; messages up to message_max bytes are taken, 0 means
 * 16 MiB. -ENOTSUP: the path is no FIFO. */
static inline int standpipe_receiver_open(standpipe_receiver* r, const char* path,
                                          uint32_t message_max) {
  int error = 0;
  memset(r, 0, sizeof *r);
  r->fd = r->epoll_fd = -1;
  r->message_max = message_max ? message_max : STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT;
  r->looked = standpipe_client_now();
  r->path = strdup(path);
  if (!r->path) return -ENOMEM;
  r->fd = standpipe_client_open_to_read(path);
  if (r->fd < 0) error = r->fd;
  if (!error) r->epoll_fd = standpipe_client_watch(r->fd);
  if (!error && r->epoll_fd < 0) error = r->epoll_fd;
  if (error) standpipe_receiver_close(r);
  return error;
}

/* No writer is left, or the FIFO is another: nobody finishes the frame that was begun. */
static inline void standpipe_receiver_drop_rest(standpipe_receiver* r) {
  if (r->end > r->begin) ++r->truncated;
  r->begin = r->end = 0;
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
    if (n == 0) standpipe_receiver_drop_rest(r);
    found = standpipe_client_follow(r->path, &r->fd, &r->epoll_fd, &r->looked);
    if (found < 0) return found;
    if (found == 1) {
      standpipe_receiver_drop_rest(r);
      continue;
    }
    if (standpipe_client_is_over(end)) return 0;
    standpipe_client_wait(r->epoll_fd, end, STANDPIPE_CLIENT_LOOK_MS);
  }
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
