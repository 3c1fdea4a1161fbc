/* SPDX-License-Identifier: Apache-2.0
 *
 * What the load generators share. They speak to bench.py in lines: `mark TIME` when WARM messages
 * are through, `end TIME` when all are, then `pipe BYTES`. Times are CLOCK_MONOTONIC, in seconds.
 * Only what lies between mark and end is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void say(const char* what) {
  printf("%s %.9f\n", what, now());
  fflush(stdout);
}

static inline void fail(const char* what) {
  perror(what);
  exit(1);
}

/* Whole pages: some processors (AMD's Zen 3) copy up to twenty times slower to an address that lies
 * 1 to 31 bytes after the source's place in its page, and 16 is what malloc gives for large blocks.
 */
static inline uint8_t* make_buffer(size_t size) {
  void* buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED) fail("mmap");
  return buffer;
}
