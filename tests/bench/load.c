/* SPDX-License-Identifier: Apache-2.0
 *
 * Load for the benchmarks: writes and checks numbered frames, measures latency. Times are CLOCK_MONOTONIC, in seconds.
 *
 *   load write FIFO SIZE COUNT CALL    COUNT frames of SIZE bytes of payload, CALL bytes a write (0: one frame a write); prints the
 * start load read FIFO SIZE COUNT          reads COUNT frames and checks each one's length and number; prints the end load take
 * FIFO BYTES               reads so many bytes without looking; prints the end load echo IN OUT                   the bare minimum:
 * read, write load latency IN OUT SIZE RATE COUNT  frames at a steady rate, and how long each takes: p50 p99 p99.9, in microseconds
 *
 * A frame's payload begins with its number (8 bytes), or with the time at which it was due. A SIZE below 8 carries no number.
 * The last byte of a written frame is 'a' where the number is even, 'b' where it is odd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kHeader = 4, kBuffer = 1 << 20 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static int open_fifo(const char* path, int flags) {
  const int fd = open(path, flags);
  if (fd < 0) fail(path);
  fcntl(fd, F_SETPIPE_SZ, kBuffer);
  return fd;
}

static void write_all(int fd, const uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    data += n;
    size -= (size_t)n;
  }
}

static void make_frame(uint8_t* at, uint32_t size, uint64_t number) {
  memcpy(at, &size, kHeader);
  if (size >= sizeof number) memcpy(at + kHeader, &number, sizeof number);
  if (size > sizeof number) at[kHeader + size - 1] = number % 2 ? 'b' : 'a';
}

static int write_frames(const char* path, uint32_t size, uint64_t count, size_t call) {
  const size_t frame = kHeader + (size_t)size;
  const size_t per_call = call > frame ? call / frame : 1;
  uint8_t* buffer = malloc(per_call * frame);
  memset(buffer, 'x', per_call * frame);
  const int fd = open_fifo(path, O_WRONLY);
  printf("%.9f\n", now());
  fflush(stdout);
  for (uint64_t number = 0; number < count;) {
    const uint64_t n = count - number < per_call ? count - number : per_call;
    for (uint64_t i = 0; i < n; ++i) make_frame(buffer + i * frame, size, number++);
    write_all(fd, buffer, n * frame);
  }
  return 0;
}

/* Reads whole frames through a buffer that holds at least one. */
static int read_frames(const char* path, uint32_t size, uint64_t count) {
  const size_t frame = kHeader + (size_t)size;
  const size_t room = 2 * (frame > kBuffer ? frame : kBuffer);
  uint8_t* buffer = malloc(room);
  size_t begin = 0, end = 0;
  const int fd = open_fifo(path, O_RDONLY);
  for (uint64_t number = 0; number < count;) {
    if (begin > 0) {
      memmove(buffer, buffer + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    const ssize_t n = read(fd, buffer + end, room - end);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      fprintf(stderr, "%s ended after %llu of %llu frames\n", path, (unsigned long long)number, (unsigned long long)count);
      return 1;
    }
    end += (size_t)n;
    for (; end - begin >= frame && number < count; begin += frame, ++number) {
      uint32_t length;
      uint64_t stands;
      memcpy(&length, buffer + begin, kHeader);
      memcpy(&stands, buffer + begin + kHeader, sizeof stands);
      if (length == size && (size < sizeof stands || stands == number)) continue;
      fprintf(stderr, "%s: frame %llu is not what was sent\n", path, (unsigned long long)number);
      return 1;
    }
  }
  printf("%.9f\n", now());
  return 0;
}

static int take_bytes(const char* path, uint64_t bytes) {
  uint8_t* buffer = malloc(kBuffer);
  const int fd = open_fifo(path, O_RDONLY);
  while (bytes > 0) {
    const ssize_t n = read(fd, buffer, kBuffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 1;
    bytes -= (uint64_t)n < bytes ? (uint64_t)n : bytes;
  }
  printf("%.9f\n", now());
  return 0;
}

static int echo(const char* in, const char* out) {
  uint8_t* buffer = malloc(kBuffer);
  const int from = open_fifo(in, O_RDONLY);
  const int to = open_fifo(out, O_WRONLY);
  for (ssize_t n; (n = read(from, buffer, kBuffer)) > 0;) write_all(to, buffer, (size_t)n);
  return 0;
}

struct Latency {
  int fd;
  uint32_t size;
  uint64_t count;
  double* took;
};

static void* receive(void* arg) {
  struct Latency* l = arg;
  const size_t frame = kHeader + (size_t)l->size;
  uint8_t* buffer = malloc(kBuffer);
  size_t end = 0;
  for (uint64_t number = 0; number < l->count;) {
    const ssize_t n = read(l->fd, buffer + end, kBuffer - end);
    if (n <= 0) fail("read");
    const double t = now();
    end += (size_t)n;
    size_t begin = 0;
    for (; end - begin >= frame && number < l->count; begin += frame) {
      double due;
      memcpy(&due, buffer + begin + kHeader, sizeof due);
      l->took[number++] = (t - due) * 1e6;
    }
    memmove(buffer, buffer + begin, end - begin);
    end -= begin;
  }
  return NULL;
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

/* Measured from the time at which a frame was due, so that a stall counts for all that waited behind it. */
static int latency(const char* in, const char* out, uint32_t size, double rate, uint64_t count) {
  struct Latency l = {open_fifo(out, O_RDONLY | O_NONBLOCK), size, count, malloc(count * sizeof(double))};
  fcntl(l.fd, F_SETFL, 0);
  const int to = open_fifo(in, O_WRONLY);
  const size_t frame = kHeader + (size_t)size;
  uint8_t* bytes = calloc(1, frame);
  /* The other side opens OUT when it has something to send: one frame that is not counted. */
  make_frame(bytes, size, 0);
  write_all(to, bytes, frame);
  for (size_t got = 0; got < frame;) {
    const ssize_t n = read(l.fd, bytes, frame - got);
    if (n < 0) fail("read");
    if (n == 0) usleep(1000);
    got += (size_t)n;
  }
  pthread_t thread;
  pthread_create(&thread, NULL, receive, &l);
  const double start = now() + 0.01;
  for (uint64_t i = 0; i < count; ++i) {
    const double due = start + (double)i / rate;
    for (double left; (left = due - now()) > 0;)
      if (left > 100e-6) usleep((useconds_t)((left - 60e-6) * 1e6));
    make_frame(bytes, size, 0);
    memcpy(bytes + kHeader, &due, sizeof due);
    write_all(to, bytes, frame);
  }
  pthread_join(thread, NULL);
  qsort(l.took, count, sizeof(double), ascending);
  printf("%.1f %.1f %.1f\n", l.took[count / 2], l.took[count / 100 * 99], l.took[count / 1000 * 999]);
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "write") && argc == 6)
    return write_frames(argv[2], (uint32_t)atol(argv[3]), (uint64_t)atoll(argv[4]), (size_t)atol(argv[5]));
  if (!strcmp(what, "read") && argc == 5) return read_frames(argv[2], (uint32_t)atol(argv[3]), (uint64_t)atoll(argv[4]));
  if (!strcmp(what, "take") && argc == 4) return take_bytes(argv[2], (uint64_t)atoll(argv[3]));
  if (!strcmp(what, "echo") && argc == 4) return echo(argv[2], argv[3]);
  if (!strcmp(what, "latency") && argc == 7)
    return latency(argv[2], argv[3], (uint32_t)atol(argv[4]), atof(argv[5]), (uint64_t)atoll(argv[6]));
  fprintf(stderr, "load write|read|take|echo|latency, see load.c\n");
  return 2;
}
