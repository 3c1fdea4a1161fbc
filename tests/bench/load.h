/* SPDX-License-Identifier: Apache-2.0
 *
 * What the load generators share. They speak to bench.py in lines: `mark TIME` when WARM messages are through, `end TIME` when all
 * are, then `pipe BYTES`. Times are CLOCK_MONOTONIC, in seconds. Only what lies between mark and end is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
