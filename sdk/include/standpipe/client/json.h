/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client/json.h: finds a member of a JSON object, which is all that requests and replies
 * (request.h) need of JSON. Part of client.h; not for programs, which have a parser of their own.
 */
#ifndef STANDPIPE_CLIENT_JSON_H
#define STANDPIPE_CLIENT_JSON_H

#include <standpipe/client/base.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
extern "C" {
#endif

/* A text that is borrowed; not ended by a NUL. */
typedef struct standpipe_text {
  const char* data;
  size_t size;
} standpipe_text;

/* All of these take a place in the text and return the place after what they skip; `end` if the
 * text ends before that. */

static inline const char* standpipe_json_blanks(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

static inline const char* standpipe_json_string(const char* at, const char* end) {
  for (++at; at < end && *at != '"'; ++at)
    if (*at == '\\' && ++at == end) break;
  return at < end ? at + 1 : end;
}

/* Brackets are only counted: whether they match is for a parser. */
static inline const char* standpipe_json_value(const char* at, const char* end) {
  size_t depth = 0;
  while (at < end) {
    const char c = *at;
    if (c == '"') {
      at = standpipe_json_string(at, end);
      if (depth == 0) return at;
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return at;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
    if (depth == 0 && (c == '}' || c == ']')) return at;
  }
  return end;
}

/* Finds the member of the object, as it is written there: a string with its quotes and escapes. If
 * there are several of that name, the last one counts. Returns 1, 0: it has none, or -EINVAL: the
 * text is no object. Names that are written with escapes are not found. */
static inline int standpipe_json_member(standpipe_text object, const char* name,
                                        standpipe_text* value) {
  const char* const end = object.data + object.size;
  const char* at = standpipe_json_blanks(object.data, end);
  const size_t length = strlen(name);
  int found = 0;
  if (at == end || *at != '{') return -EINVAL;
  at = standpipe_json_blanks(at + 1, end);
  while (at < end && *at != '}') {
    const char *key = at + 1, *key_end, *begin, *stop;
    if (*at != '"') return -EINVAL;
    at = standpipe_json_string(at, end);
    key_end = at - 1;
    at = standpipe_json_blanks(at, end);
    if (at == end || *at != ':') return -EINVAL;
    begin = standpipe_json_blanks(at + 1, end);
    at = stop = standpipe_json_value(begin, end);
    while (stop > begin && strchr(" \t\r\n", stop[-1])) --stop;
    if ((size_t)(key_end - key) == length && memcmp(key, name, length) == 0) {
      value->data = begin;
      value->size = (size_t)(stop - begin);
      found = 1;
    }
    at = standpipe_json_blanks(at, end);
    if (at < end && *at == ',') at = standpipe_json_blanks(at + 1, end);
  }
  return at == end ? -EINVAL : found;
}

/* The object with more members at its end, "a":1,"b":2, where they count, whatever it has under
 * those names. Returns memory for free() with `*size` bytes; NULL: it is no object (EINVAL), or
 * there is no memory (ENOMEM), by errno. */
static inline char* standpipe_json_with(standpipe_text object, standpipe_text members,
                                        size_t* size) {
  const char* const begin = standpipe_json_blanks(object.data, object.data + object.size);
  const char* end = object.data + object.size;
  int is_empty;
  char* whole;
  while (end > begin && strchr(" \t\r\n", end[-1])) --end;
  if (end - begin < 2 || *begin != '{' || end[-1] != '}') {
    errno = EINVAL;
    return NULL;
  }
  is_empty = standpipe_json_blanks(begin + 1, end) == end - 1;
  *size = (size_t)(end - begin) + members.size + (is_empty ? 0 : 1);
  whole = (char*)malloc(*size);
  if (whole) {
    const size_t before = (size_t)(end - begin) - 1;
    memcpy(whole, begin, before);
    if (!is_empty) whole[before] = ',';
    memcpy(whole + *size - members.size - 1, members.data, members.size);
    whole[*size - 1] = '}';
  }
  return whole;
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
