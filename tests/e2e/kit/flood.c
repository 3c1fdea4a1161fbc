/* SPDX-License-Identifier: Apache-2.0
 *
 * Many numbered messages, written and checked faster than the hub moves them.
 *
 *   flood write FIFO WRITER COUNT SIZE     in writes of at most PIPE_BUF, which the kernel keeps
 *                                          apart, so several may run at once
 *   flood each FIFO WRITER COUNT SIZE      one write a message
 *   flood check PATH WRITERS COUNT SIZE    reads a FIFO or a file: COUNT whole messages of each
 *                                          writer, in order, as they were made
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kWritersMost = 64, kSizeMost = 4092, kReadBytes = 1 << 20 };

static void fail(const char* what, uint64_t a, uint64_t b) {
  printf("%s (%llu, %llu)\n", what, (unsigned long long)a, (unsigned long long)b);
  exit(1);
}

/* Length, writer, number, and words that depend on both. SIZE is a multiple of 8. */
static void make_frame(unsigned char* at, uint32_t size, uint64_t writer, uint64_t number) {
  memcpy(at, &size, 4);
  memcpy(at + 4, &writer, 8);
  memcpy(at + 12, &number, 8);
  uint64_t word = (number + 1) * 0x9E3779B97F4A7C15u ^ writer;
  for (uint32_t i = 16; i + 8 <= size; i += 8, word += 0x632BE59BD9B4E019u)
    memcpy(at + 4 + i, &word, 8);
}

static void write_all(int fd, uint64_t writer, uint64_t count, uint32_t size, uint32_t most) {
  static unsigned char buffer[PIPE_BUF];
  const uint32_t frame = size + 4;
  for (uint64_t number = 0; number < count;) {
    uint32_t n = 0;
    for (; n < most && number < count; ++n) make_frame(buffer + n * frame, size, writer, number++);
    if (write(fd, buffer, n * frame) != (ssize_t)(n * frame)) fail("short write", number, n);
  }
}

static void check_frame(const unsigned char* at, uint32_t size, uint64_t writers, uint64_t* next) {
  static unsigned char expected[4 + kSizeMost];
  uint32_t length;
  uint64_t writer;
  memcpy(&length, at, 4);
  memcpy(&writer, at + 4, 8);
  if (length != size) fail("a frame of another length", length, size);
  if (writer >= writers) fail("no such writer", writer, writers);
  make_frame(expected, size, writer, next[writer]);
  if (memcmp(at, expected, size + 4) != 0) {
    uint64_t number;
    memcpy(&number, at + 12, 8);
    fail("another message than expected: number, expected", number, next[writer]);
  }
  ++next[writer];
}

static void check_all(int fd, uint64_t writers, uint64_t count, uint32_t size) {
  static unsigned char buffer[kReadBytes];
  uint64_t next[kWritersMost] = {0}, left = writers * count;
  size_t held = 0;
  while (left > 0) {
    const ssize_t n = read(fd, buffer + held, sizeof buffer - held);
    if (n <= 0) fail("the end, too early: messages missing", left, held);
    held += (size_t)n;
    size_t at = 0;
    for (; at + size + 4 <= held; at += size + 4, --left)
      check_frame(buffer + at, size, writers, next);
    memmove(buffer, buffer + at, held - at);
    held -= at;
  }
  if (held > 0) fail("more than was written", held, 0);
  for (uint64_t w = 0; w < writers; ++w)
    if (next[w] != count) fail("messages of a writer", next[w], count);
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int each = strcmp(argv[1], "each") == 0, writes = each || strcmp(argv[1], "write") == 0;
  const int fd = open(argv[2], writes ? O_WRONLY : O_RDONLY);
  if (fd < 0) return perror(argv[2]), 1;
  const uint64_t who = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
  const uint32_t size = (uint32_t)strtoul(argv[5], NULL, 10);
  if (size < 16 || size > kSizeMost || size % 8) return 2;
  if (writes)
    write_all(fd, who, count, size, each ? 1 : PIPE_BUF / (size + 4));
  else if (who <= kWritersMost)
    check_all(fd, who, count, size);
  return 0;
}
