/* SPDX-License-Identifier: Apache-2.0
 *
 * Load for the benchmarks: writes and checks numbered messages, measures latency. See load.h for
 * what it prints.
 *
 *   load write FIFO STREAM COUNT WARM CALL      COUNT messages, CALL bytes a write (0: one message
 *                                               a write)
 *   load read FIFO STREAM COUNT WARM CHECK      reads COUNT messages and compares them: CHECK is
 *                                               whole or heads
 *   load echo IN OUT                            the bare minimum: read, write
 *   load latency IN OUT SIZE RATE COUNT         frames at a steady rate, and how long each takes:
 *                                               p50 p99 p99.9, in microseconds
 *
 * STREAM is frames:SIZE:RUN:ONLY, lines:SIZE:1:all, texts:SIZE:1:all (frames whose payload is
 * text, begun by its number), devices:SIZE:1:all (frames whose payload is a JSON object of a
 * hundred devices in turn, {"device":"07","text":"xx..."}) or jsons:SIZE:1:all (a JSON document
 * with its number). SIZE is a payload's bytes (a line's, its newline counted). The last byte of a
 * frame is 'a' for RUN messages, then 'b' for as many. ONLY: all, a or b, of which a reader is
 * given no others.
 *
 * The stream is a pattern of some messages, made once and repeated: to make and to check each
 * message anew would cost the generator more than the hop that is to be measured costs, on cores
 * that both share. LOAD_PIPE: bytes of each FIFO.
 */
#include "load.h"

#include <pthread.h>
#include <sys/prctl.h>

/* kRead: 64 KiB, a FIFO's default capacity. kPattern: enough to see what comes out of order, and
 * still in a core's cache. */
enum { kHeader = 4, kRead = 1 << 16, kPattern = 1 << 17 };

static int open_fifo(const char* path, int flags) {
  const int fd = open(path, flags);
  if (fd < 0) fail(path);
  const char* size = getenv("LOAD_PIPE");
  if (size) fcntl(fd, F_SETPIPE_SZ, atoi(size));
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

struct Pattern {
  uint8_t* bytes;
  size_t message; /* bytes of one, with its header */
  size_t count;   /* messages after which it repeats */
};

static void make_frame(uint8_t* at, uint32_t size, uint64_t number, char last) {
  memcpy(at, &size, kHeader);
  memset(at + kHeader, 'x', size);
  if (size > sizeof number) memcpy(at + kHeader, &number, sizeof number);
  if (size > 0) at[kHeader + size - 1] = (uint8_t)last;
}

static void make_text(uint8_t* at, uint32_t size, uint64_t number) {
  memset(at, 'x', size);
  char text[24];
  const int n = snprintf(text, sizeof text, "%llu ", (unsigned long long)number);
  if ((size_t)n < size) memcpy(at, text, (size_t)n);
}

static void make_line(uint8_t* at, uint32_t size, uint64_t number) {
  make_text(at, size, number);
  at[size - 1] = '\n';
}

static void make_framed_text(uint8_t* at, uint32_t size, uint64_t number) {
  memcpy(at, &size, kHeader);
  make_text(at + kHeader, size, number);
}

static void make_device(uint8_t* at, uint32_t size, uint64_t number) {
  memcpy(at, &size, kHeader);
  memset(at + kHeader, 'x', size);
  char text[40];
  const int n =
      snprintf(text, sizeof text, "{\"device\":\"%02u\",\"text\":\"", (unsigned)(number % 100));
  memcpy(at + kHeader, text, (size_t)n);
  memcpy(at + kHeader + size - 2, "\"}", 2);
}

static void make_framed_json(uint8_t* at, uint32_t size, uint64_t number) {
  memcpy(at, &size, kHeader);
  at += kHeader;
  memset(at, 'x', size);
  char text[200];
  const int n =
      snprintf(text, sizeof text,
               "{\"type\":\"order\",\"id\":%llu,\"customer\":{\"name\":\"c%llu\",\"country\":"
               "\"NO\"},\"amount\":%llu.50,\"currency\":\"EUR\",\"note\":\"",
               (unsigned long long)number, (unsigned long long)number * 7,
               (unsigned long long)number % 5000);
  if ((size_t)n + 2 > size) {
    fprintf(stderr, "a document has at least %d bytes\n", n + 2);
    exit(2);
  }
  memcpy(at, text, (size_t)n);
  memcpy(at + size - 2, "\"}", 2);
}

static struct Pattern make_pattern(const char* stream) {
  char kind[8], only[8];
  unsigned size, run;
  if (sscanf(stream, "%7[a-z]:%u:%u:%7s", kind, &size, &run, only) != 4 || run == 0) {
    fprintf(stderr, "%s: not like frames:SIZE:RUN:ONLY\n", stream);
    exit(2);
  }
  const int lines = !strcmp(kind, "lines");
  struct Pattern p = {NULL, lines ? size : kHeader + (size_t)size, 0};
  const int devices = !strcmp(kind, "devices");
  const size_t period = devices ? 100 : 2 * (size_t)run;
  const size_t all = (kPattern / p.message / period + 1) * period;
  p.bytes = make_buffer(all * p.message);
  for (uint64_t number = 0; number < all; ++number) {
    const char last = number / run % 2 ? 'b' : 'a';
    if (*only != last && strcmp(only, "all") != 0) continue;
    uint8_t* at = p.bytes + p.count++ * p.message;
    if (lines)
      make_line(at, size, number);
    else if (devices)
      make_device(at, size, number);
    else if (!strcmp(kind, "texts"))
      make_framed_text(at, size, number);
    else if (!strcmp(kind, "jsons"))
      make_framed_json(at, size, number);
    else
      make_frame(at, size, number, last);
  }
  return p;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static int write_stream(const char* path, const struct Pattern* p, uint64_t count, uint64_t warm,
                        size_t call) {
  const size_t per_call = call > p->message ? call / p->message : 1;
  const int fd = open_fifo(path, O_WRONLY);
  size_t place = 0;
  for (uint64_t number = 0; number < count;) {
    const size_t n = smaller(smaller(per_call, p->count - place), count - number);
    write_all(fd, p->bytes + place * p->message, n * p->message);
    place = (place + n) % p->count;
    if (number < warm && number + n >= warm) say("mark");
    number += n;
  }
  printf("pipe %d\n", fcntl(fd, F_GETPIPE_SZ));
  return 0;
}

/* The first bytes of each message that begins in here: length, number. */
static int heads_differ(const uint8_t* got, const uint8_t* want, size_t size, size_t at,
                        size_t message) {
  const size_t head = smaller(message, kHeader + sizeof(uint64_t));
  for (size_t i = (message - at % message) % message; i < size; i += message)
    if (memcmp(got + i, want + i, smaller(head, size - i)) != 0) return 1;
  return 0;
}

static int differs(const struct Pattern* p, const uint8_t* got, size_t size, uint64_t offset,
                   int whole) {
  const size_t period = p->count * p->message;
  while (size > 0) {
    const size_t at = (size_t)(offset % period);
    const size_t n = smaller(size, period - at);
    if (whole ? memcmp(got, p->bytes + at, n) != 0
              : heads_differ(got, p->bytes + at, n, at, p->message))
      return 1;
    got += n;
    size -= n;
    offset += n;
  }
  return 0;
}

static int read_stream(const char* path, const struct Pattern* p, uint64_t count, uint64_t warm,
                       int whole) {
  uint8_t* buffer = make_buffer(kRead);
  const uint64_t all = count * p->message;
  const int fd = open_fifo(path, O_RDONLY);
  for (uint64_t got = 0; got < all;) {
    const ssize_t n = read(fd, buffer, kRead);
    if (n < 0 && errno == EINTR) continue;
    const char* why = n <= 0                    ? "the stream ended"
                      : got + (uint64_t)n > all ? "more came than was sent"
                                                : NULL;
    if (!why && differs(p, buffer, (size_t)n, got, whole)) why = "not what was sent";
    if (why) {
      fprintf(stderr, "%s: %s, in message %llu of %llu\n", path, why,
              (unsigned long long)(got / p->message), (unsigned long long)count);
      return 1;
    }
    if (got < warm * p->message && got + (uint64_t)n >= warm * p->message) say("mark");
    got += (uint64_t)n;
  }
  say("end");
  printf("pipe %d\n", fcntl(fd, F_GETPIPE_SZ));
  return 0;
}

static int echo(const char* in, const char* out) {
  uint8_t* buffer = make_buffer(kRead);
  const int from = open_fifo(in, O_RDONLY);
  const int to = open_fifo(out, O_WRONLY);
  for (ssize_t n; (n = read(from, buffer, kRead)) > 0;) write_all(to, buffer, (size_t)n);
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
  uint8_t* buffer = make_buffer(kRead);
  size_t end = 0;
  for (uint64_t number = 0; number < l->count;) {
    const ssize_t n = read(l->fd, buffer + end, kRead - end);
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

/* The other side opens OUT when it has something to send: one frame that is not counted. */
static void first_frame(int to, int from, uint8_t* bytes, size_t frame) {
  write_all(to, bytes, frame);
  for (size_t got = 0; got < frame;) {
    const ssize_t n = read(from, bytes, frame - got);
    if (n < 0) fail("read");
    if (n == 0) usleep(1000);
    got += (size_t)n;
  }
}

static void send_at(int to, uint8_t* bytes, size_t frame, double due) {
  for (double left; (left = due - now()) > 0;)
    if (left > 100e-6) usleep((useconds_t)((left - 60e-6) * 1e6));
  memcpy(bytes + kHeader, &due, sizeof due);
  write_all(to, bytes, frame);
}

/* Measured from the time at which a frame was due, so that a stall counts for all that waited after
 * it. */
static int latency(const char* in, const char* out, uint32_t size, double rate, uint64_t count) {
  struct Latency l = {open_fifo(out, O_RDONLY | O_NONBLOCK), size, count,
                      calloc(count, sizeof(double))};
  fcntl(l.fd, F_SETFL, 0);
  prctl(PR_SET_TIMERSLACK, 1); /* or each sleep is 50 us too long */
  const int to = open_fifo(in, O_WRONLY);
  const size_t frame = kHeader + (size_t)size;
  uint8_t* bytes = malloc(frame);
  make_frame(bytes, size, 0, 'a');
  first_frame(to, l.fd, bytes, frame);
  pthread_t thread;
  pthread_create(&thread, NULL, receive, &l);
  const double start = now() + 0.01;
  make_frame(bytes, size, 0, 'a');
  for (uint64_t i = 0; i < count; ++i) send_at(to, bytes, frame, start + (double)i / rate);
  pthread_join(thread, NULL);
  qsort(l.took, count, sizeof(double), ascending);
  printf("%.1f %.1f %.1f\n", l.took[count / 2], l.took[(uint64_t)((double)count * 0.99)],
         l.took[(uint64_t)((double)count * 0.999)]);
  return 0;
}

static uint64_t number(const char* text) { return strtoull(text, NULL, 10); }

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "echo") && argc == 4) return echo(argv[2], argv[3]);
  if (!strcmp(what, "latency") && argc == 7)
    return latency(argv[2], argv[3], (uint32_t)number(argv[4]), atof(argv[5]), number(argv[6]));
  if ((!strcmp(what, "write") || !strcmp(what, "read")) && argc == 7) {
    const struct Pattern p = make_pattern(argv[3]);
    if (*what == 'w')
      return write_stream(argv[2], &p, number(argv[4]), number(argv[5]), number(argv[6]));
    return read_stream(argv[2], &p, number(argv[4]), number(argv[5]), !strcmp(argv[6], "whole"));
  }
  fprintf(stderr, "load write|read|echo|latency, see load.c\n");
  return 2;
}
