/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/request.h: asks a service for something through a hub, and answers such
 * requests. Part of client.h, whose head has the rules.
 *
 *   standpipe_requester r;
 *   standpipe_message_view reply;
 *   if (standpipe_requester_open(&r, "/tmp/requests", "/tmp/replies", 5000) == 0 &&
 *       standpipe_request(&r, "{\"n\":6}", 7, &reply, 5000) == 1)
 *     use(reply.data, reply.size);
 *   standpipe_requester_close(&r);
 *
 * Requests and replies are JSON objects. A requester makes a FIFO of its own in the folder of
 * replies, and adds two members to each request, at its end:
 *
 *   "reply_to"   the name of that FIFO: 32 hexadecimal digits, at random
 *   "id"         which request it is: a text that no other request has
 *
 * A service copies both into its reply (standpipe_reply does it) and sends that to the hub, which
 * has a route to a handler with `plugin: reply` and `fifo: FOLDER/{json:/reply_to}`. Replies to
 * requests that nobody waits for are dropped by their id, and counted.
 *
 * The folder is made (mode 0700) if it is missing. If the hub runs as another user, make one that
 * both can enter and give `mode`. A requester removes its FIFO when it is closed, and one that was
 * killed leaves it: whoever opens the next requester removes what nobody has read for a minute.
 */
#ifndef STANDPIPE_CLIENT_REQUEST_H
#define STANDPIPE_CLIENT_REQUEST_H

#include <standpipe/client/json.h>
#include <standpipe/client/receive.h>
#include <standpipe/client/send.h>

#include <dirent.h>
#include <stdio.h>
#include <sys/random.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

#define STANDPIPE_REPLY_NAME_BYTES 32
/* Younger FIFOs may be about to be opened. */
#define STANDPIPE_REPLY_LITTER_AGE_S 60
/* How many names a requester looks at for that. */
#define STANDPIPE_REPLY_LITTER_NAMES 1000

typedef struct standpipe_requester {
  standpipe_sender out;                      /* requests; its path is borrowed */
  standpipe_receiver in;                     /* replies */
  char name[STANDPIPE_REPLY_NAME_BYTES + 1]; /* "reply_to" */
  uint64_t requests;                         /* so many were made */
  uint64_t late; /* replies that nobody waited for any more, and that were dropped */
} standpipe_requester;

static inline int standpipe_requester_is_name(const char* name) {
  return strspn(name, "0123456789abcdef") == STANDPIPE_REPLY_NAME_BYTES &&
         name[STANDPIPE_REPLY_NAME_BYTES] == '\0';
}

/* 1: a FIFO of a requester of this user, that nobody reads and that is not new. */
static inline int standpipe_requester_is_litter(int folder_fd, const char* name, int age_s) {
  struct stat status;
  int fd, error;
  if (!standpipe_requester_is_name(name) ||
      fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISFIFO(status.st_mode) ||
      status.st_uid != geteuid() || time(NULL) - status.st_ctime < age_s)
    return 0;
  fd = openat(folder_fd, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  error = errno;
  if (fd >= 0) (void)close(fd);
  return fd < 0 && error == ENXIO;
}

static inline void standpipe_requester_remove_litter(int folder_fd, const char* name) {
  if (standpipe_requester_is_litter(folder_fd, name, STANDPIPE_REPLY_LITTER_AGE_S))
    (void)unlinkat(folder_fd, name, 0);
}

/* What killed requesters left. */
static inline void standpipe_requester_tidy(const char* path) {
  DIR* folder = opendir(path);
  struct dirent* entry;
  int left = STANDPIPE_REPLY_LITTER_NAMES;
  if (!folder) return;
  while (left-- > 0 && (entry = readdir(folder)))
    standpipe_requester_remove_litter(dirfd(folder), entry->d_name);
  (void)closedir(folder);
}

/* A folder that everybody may write to must at least keep them from replacing our FIFO. */
static inline int standpipe_requester_check_folder(const char* path) {
  struct stat status;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return -errno;
  if (stat(path, &status) != 0) return -errno;
  if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
  return (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX) ? -EPERM : 0;
}

static inline int standpipe_requester_choose_name(standpipe_requester* r) {
  uint8_t bytes[STANDPIPE_REPLY_NAME_BYTES / 2];
  size_t i;
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return -errno;
  for (i = 0; i < sizeof bytes; ++i)
    (void)snprintf(r->name + 2 * i, sizeof r->name - 2 * i, "%02x", (unsigned)bytes[i]);
  return 0;
}

static inline int standpipe_requester_make_fifo(standpipe_requester* r, const char* folder) {
  const size_t length = strlen(folder) + 1 + sizeof r->name;
  char* path = (char*)malloc(length);
  int error;
  if (!path) return -ENOMEM;
  (void)snprintf(path, length, "%s/%s", folder, r->name);
  error = standpipe_receiver_open(&r->in, path, 0);
  free(path);
  return error;
}

static inline void standpipe_requester_close(standpipe_requester* r) {
  standpipe_sender_close(&r->out);
  if (r->in.path) (void)unlink(r->in.path);
  standpipe_receiver_close(&r->in);
}

/* Connects to the FIFO of requests (its path is borrowed for as long as the requester lives) as
 * standpipe_sender_open does, and makes the FIFO of replies. -EPERM: everybody may replace FIFOs in
 * the folder; make it private, or sticky. */
static inline int standpipe_requester_open(standpipe_requester* r, const char* requests,
                                           const char* replies_folder, int timeout_ms) {
  int error;
  memset(r, 0, sizeof *r);
  r->out.fd = r->in.fd = r->in.epoll_fd = -1;
  error = standpipe_requester_check_folder(replies_folder);
  if (!error) error = standpipe_requester_choose_name(r);
  if (!error) standpipe_requester_tidy(replies_folder);
  if (!error) error = standpipe_requester_make_fifo(r, replies_folder);
  if (!error) error = standpipe_sender_open(&r->out, requests, timeout_ms);
  if (error) standpipe_requester_close(r);
  return error;
}

/* Lets the hub, as another user, write replies: 0620 for one in the FIFO's group, 0622 for anybody,
 * who might then answer in the service's place if they knew the name. */
static inline int standpipe_requester_mode(standpipe_requester* r, mode_t mode) {
  return fchmod(r->in.fd, mode) == 0 ? 0 : -errno;
}

static inline int standpipe_requester_send(standpipe_requester* r, standpipe_text body,
                                           const char* id, int timeout_ms) {
  char members[2 * STANDPIPE_REPLY_NAME_BYTES + 64];
  standpipe_text more;
  size_t size = 0;
  char* request;
  int error;
  more.data = members;
  more.size =
      (size_t)snprintf(members, sizeof members, "\"reply_to\":\"%s\",\"id\":%s", r->name, id);
  request = standpipe_json_with(body, more, &size);
  if (!request) return -errno;
  error = standpipe_send(&r->out, request, size, timeout_ms);
  free(request);
  return error;
}

/* 1: the reply has that id, as it is written in JSON. */
static inline int standpipe_reply_is_to(const standpipe_message_view* reply, const char* id) {
  standpipe_text text, found;
  text.data = (const char*)reply->data;
  text.size = reply->size;
  return standpipe_json_member(text, "id", &found) == 1 && found.size == strlen(id) &&
         memcmp(found.data, id, found.size) == 0;
}

/* Sends the request, a JSON object, and waits for its reply. Returns 1: the reply is there, valid
 * until the next request; 0: none came in time, and whether the service has acted is not known;
 * -ETIMEDOUT: nothing was sent; -EINVAL: the request is no object; or what standpipe_send and
 * standpipe_receive return. One request at a time. */
static inline int standpipe_request(standpipe_requester* r, const void* request, size_t size,
                                    standpipe_message_view* reply, int timeout_ms) {
  const int64_t end = standpipe_client_end(timeout_ms);
  char id[STANDPIPE_REPLY_NAME_BYTES + 32];
  standpipe_text body;
  int error;
  body.data = (const char*)request;
  body.size = size;
  reply->data = NULL;
  reply->size = 0;
  (void)snprintf(id, sizeof id, "\"%s-%llu\"", r->name, (unsigned long long)++r->requests);
  error = standpipe_requester_send(r, body, id, timeout_ms);
  if (error) return error;
  for (;;) {
    const int found = standpipe_receive(&r->in, reply, standpipe_client_left(end));
    if (found == 0 && !standpipe_client_is_over(end)) continue; /* it waits a minute at most */
    if (found != 1) return found;
    if (standpipe_reply_is_to(reply, id)) return 1;
    ++r->late;
  }
}

/* For a service: sends the body, a JSON object, with the request's "reply_to" and "id" to a FIFO of
 * the hub. Returns 0; -ENOMSG: the request is no JSON object with a "reply_to"; -EINVAL: the body
 * is no object; or what standpipe_send returns. */
static inline int standpipe_reply(standpipe_sender* out, const void* request, size_t request_size,
                                  const void* body, size_t size, int timeout_ms) {
  standpipe_text whole, answer, reply_to, id, more;
  char* reply;
  int error;
  whole.data = (const char*)request;
  whole.size = request_size;
  answer.data = (const char*)body;
  answer.size = size;
  if (standpipe_json_member(whole, "reply_to", &reply_to) != 1) return -ENOMSG;
  if (standpipe_json_member(whole, "id", &id) != 1) {
    id.data = "null";
    id.size = 4;
  }
  more.size = reply_to.size + id.size + sizeof "\"reply_to\":,\"id\":" - 1;
  more.data = reply = (char*)malloc(more.size + 1);
  if (!reply) return -ENOMEM;
  (void)snprintf(reply, more.size + 1, "\"reply_to\":%.*s,\"id\":%.*s", (int)reply_to.size,
                 reply_to.data, (int)id.size, id.data);
  reply = standpipe_json_with(answer, more, &size);
  error = reply ? 0 : -errno;
  free((void*)more.data);
  if (!error) error = standpipe_send(out, reply, size, timeout_ms);
  free(reply);
  return error;
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
