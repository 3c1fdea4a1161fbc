/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare system call loops that the bridge of Unix domain sockets is measured against.
 *
 *   unix_load read PATH COUNT SIZE [ack]           listens, takes COUNT messages of one client
 *   unix_load write PATH COUNT SIZE [ack] [each]   connects, and sends them
 *   unix_load fifo PATH COUNT SIZE [each]          writes as many frames into a FIFO
 *
 * Frames are a length of 4 bytes, little endian, and the payload; with `ack` those of PROTOCOL.md.
 * A write has as many frames as 256 KiB hold, which costs a message next to nothing; with `each` it
 * has one, as of a program that sends a message when it has one.
 * When it has done, it prints the seconds from the first byte to the last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { kBuffer = 256 * 1024, kGreeting = 12, kAckBytes = 13 };
static unsigned char buffer[2 * kBuffer];

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void write_all(int fd, const void* from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = write(fd, (const char*)from + done, bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    done += (size_t)n;
  }
}

static void read_all(int fd, void* to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = read(fd, (char*)to + done, bytes - done);
    if (n <= 0) fail("read");
    done += (size_t)n;
  }
}

static int make(const char* path, struct sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  return fd;
}

static void greet(int fd) {
  unsigned char hello[kGreeting] = {'S', 'P', 'U', 'X', 1, 0, 0, 0, 0, 0, 0, 1};
  write_all(fd, hello, sizeof hello);
  read_all(fd, hello, sizeof hello);
}

static void send_all(int fd, uint64_t count, uint32_t size, int acks, int each) {
  const uint32_t length = size + (acks ? 8 : 0), frame = 4 + length;
  const uint64_t a_write = each || frame > kBuffer ? 1 : kBuffer / frame;
  for (uint64_t i = 0; i < a_write; ++i) memcpy(buffer + i * frame, &length, 4);
  uint64_t acknowledged = 0;
  unsigned char answers[kAckBytes * 256];
  size_t held = 0;
  for (uint64_t sent = 0; sent < count;) {
    const uint64_t n = count - sent < a_write ? count - sent : a_write;
    for (uint64_t i = 0; acks && i < n; ++i) {
      const uint64_t sequence = sent + i + 1;
      memcpy(buffer + i * frame + 4, &sequence, 8);
    }
    write_all(fd, buffer, n * frame);
    sent += n;
    /* Answers are read before they fill the socket, or both ends would wait for ever. */
    while (acks) {
      const int waits = sent == count ? acknowledged < count : sent - acknowledged > 16384;
      if (!waits && (!each || sent % 64 != 0)) break;
      const ssize_t got = recv(fd, answers + held, sizeof answers - held, waits ? 0 : MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) fail("read");
      held += (size_t)got;
      const size_t whole = held / kAckBytes * kAckBytes;
      if (whole) memcpy(&acknowledged, answers + whole - 8, 8);
      memmove(answers, answers + whole, held - whole);
      held -= whole;
    }
  }
}

static void take_all(int fd, uint64_t count, int acks) {
  size_t begin = 0, end = 0;
  for (uint64_t taken = 0; taken < count;) {
    const ssize_t n = read(fd, buffer + end, sizeof buffer - end);
    if (n <= 0) fail("read");
    end += (size_t)n;
    uint64_t sequence = 0;
    while (end - begin >= 4) {
      uint32_t length;
      memcpy(&length, buffer + begin, 4);
      if (end - begin - 4 < length) break;
      if (acks) memcpy(&sequence, buffer + begin + 4, 8);
      begin += 4 + length;
      ++taken;
    }
    if (sequence) {
      unsigned char answer[kAckBytes] = {9, 0, 0, 0, 'a'};
      memcpy(answer + 5, &sequence, 8);
      write_all(fd, answer, sizeof answer);
    }
    memmove(buffer, buffer + begin, end - begin);
    end -= begin;
    begin = 0;
  }
}

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const uint64_t count = strtoull(argv[3], NULL, 10);
  const uint32_t size = (uint32_t)strtoul(argv[4], NULL, 10);
  int acks = 0, each = 0;
  for (int i = 5; i < argc; ++i) {
    acks |= strcmp(argv[i], "ack") == 0;
    each |= strcmp(argv[i], "each") == 0;
  }
  struct sockaddr_un address;
  int fd;
  if (strcmp(argv[1], "fifo") == 0) {
    fd = open(argv[2], O_WRONLY);
    if (fd < 0) fail("open");
    fcntl(fd, F_SETPIPE_SZ, 1 << 20); /* the most that an ordinary user may have */
  } else if (strcmp(argv[1], "write") == 0) {
    fd = make(argv[2], &address);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
    if (acks) greet(fd);
  } else {
    const int server = make(argv[2], &address);
    if (bind(server, (struct sockaddr*)&address, sizeof address) != 0 || listen(server, 1) != 0)
      fail("bind");
    fd = accept(server, NULL, NULL);
    if (fd < 0) fail("accept");
    if (acks) greet(fd);
    read_all(fd, buffer, 0);
    unsigned char first;
    if (recv(fd, &first, 1, MSG_PEEK) != 1) fail("recv");
  }
  const double began = now();
  if (strcmp(argv[1], "read") == 0)
    take_all(fd, count, acks);
  else
    send_all(fd, count, size, acks, each);
  printf("%.6f\n", now() - began);
  return 0;
}
