// SPDX-License-Identifier: Apache-2.0
//
// What counter.so is, as a program for exec: counts messages and their bytes, answers for each, and
// says when it has them all, in the lines of load.h.
//
//   program MESSAGES WARM SAY
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char* buffer;
static size_t room = 1 << 20, held;
static uint64_t all, warm, messages, bytes;
static int said;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void say_progress(uint64_t before) {
  if (before < warm && messages >= warm) dprintf(said, "mark %.9f\n", now());
  if (before < all && messages >= all)
    dprintf(said, "end %.9f\ncounted %llu %llu\n", now(), (unsigned long long)messages,
            (unsigned long long)bytes);
}

static void count_all(void) {
  const uint64_t before = messages;
  size_t at = 0;
  uint32_t length = 0;
  while (held - at >= 4) {
    memcpy(&length, buffer + at, 4);
    if (held - at - 4 < length) break;
    at += 4 + (size_t)length;
    ++messages;
    bytes += length;
  }
  if (messages > before)
    dprintf(STDOUT_FILENO, "delivered %llu\n", (unsigned long long)(messages - before));
  say_progress(before);
  held -= at;
  memmove(buffer, buffer + at, held);
  if (held < 4 || 4 + (size_t)length <= room) return;
  room = 4 + (size_t)length;
  buffer = realloc(buffer, room);
  if (!buffer) exit(1);
}

int main(int count, char** words) {
  buffer = malloc(room);
  if (count != 4 || !buffer) return 2;
  all = strtoull(words[1], NULL, 10);
  warm = strtoull(words[2], NULL, 10);
  said = open(words[3], O_WRONLY);
  dprintf(STDOUT_FILENO, "standpipe 1\n");
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, buffer + held, room - held);
    if (n <= 0) return n < 0;
    held += (size_t)n;
    count_all();
  }
}
