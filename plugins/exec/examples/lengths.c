// SPDX-License-Identifier: Apache-2.0
//
// A handler in C for the plugin exec, with nothing but the C library: rejects empty messages,
// counts the others, and says at the end how many and how long they were. It reads as much as there
// is and answers with a record for a run of messages, so that millions a second pass.
//
//   cc -O2 -o lengths lengths.c
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char* buffer;
static size_t room = 1 << 20, held;
static uint64_t messages, bytes;

static void fail(const char* why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

static uint32_t length_at(const char* at) {
  const unsigned char* b = (const unsigned char*)at;
  return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

// Answers the whole frames in the buffer, and keeps the rest.
static void handle_all(void) {
  size_t at = 0, delivered = 0;
  while (held - at >= 4 && held - at - 4 >= length_at(buffer + at)) {
    const uint32_t length = length_at(buffer + at);
    at += 4 + (size_t)length;
    if (length > 0) {
      ++delivered;
      ++messages;
      bytes += length;
      continue;
    }
    if (delivered > 0) printf("delivered %zu\n", delivered);
    delivered = 0;
    printf("reject 1 it is empty\n");
  }
  if (delivered > 0) printf("delivered %zu\n", delivered);
  if (at > 0 && fflush(stdout) != 0) fail("nobody reads the answers");
  held -= at;
  memmove(buffer, buffer + at, held);
  if (held >= 4 && 4 + (size_t)length_at(buffer) > room) {
    room = 4 + (size_t)length_at(buffer);
    buffer = realloc(buffer, room);
    if (!buffer) fail("there is no memory");
  }
}

int main(void) {
  buffer = malloc(room);
  if (!buffer) fail("there is no memory");
  printf("standpipe 1\n");
  fflush(stdout);
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, buffer + held, room - held);
    if (n < 0) fail("cannot read standard input");
    if (n == 0) break;
    held += (size_t)n;
    handle_all();
  }
  fprintf(stderr, "%llu messages, %llu bytes\n", (unsigned long long)messages,
          (unsigned long long)bytes);
  return held == 0 ? 0 : 1;
}
