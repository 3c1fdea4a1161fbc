/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare library, for bench_sockets.py: `send URL COUNT SIZE` or `receive URL COUNT`, which
 * prints the seconds from the first message to the last. PUSH and PULL; of nanomsg also REQ and
 * REP. cc -DZMQ ... -lzmq, or cc -DNANOMSG ... -lnanomsg
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#ifdef ZMQ
#include <zmq.h>
static void* s;
static void open_socket(int sends, int asks, const char* url) {
  (void)asks;
  s = zmq_socket(zmq_ctx_new(), sends ? ZMQ_PUSH : ZMQ_PULL);
  if ((sends ? zmq_connect(s, url) : zmq_bind(s, url)) != 0) exit(1);
}
static void send_one(const char* data, size_t size) {
  if (zmq_send(s, data, size, 0) < 0) exit(1);
}
static void receive_one(char* data, size_t size) {
  if (zmq_recv(s, data, size, 0) < 0) exit(1);
}
#else
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/reqrep.h>
static int s;
static void open_socket(int sends, int asks, const char* url) {
  s = nn_socket(AF_SP, asks ? (sends ? NN_REQ : NN_REP) : (sends ? NN_PUSH : NN_PULL));
  if ((sends ? nn_connect(s, url) : nn_bind(s, url)) < 0) exit(1);
}
static void send_one(const char* data, size_t size) {
  if (nn_send(s, data, size, 0) < 0) exit(1);
}
static void receive_one(char* data, size_t size) {
  if (nn_recv(s, data, size, 0) < 0) exit(1);
}
#endif

int main(int count, char** words) {
  static char data[1 << 20];
  const int sends = count > 3 && strcmp(words[1], "send") == 0;
  const int asks = count > 5;
  const long messages = atol(words[3]);
  double begin = 0;
  open_socket(sends, asks, words[2]);
  for (long i = 0; i < messages; ++i) {
    if (sends) send_one(data, (size_t)atol(words[4]));
    if (!sends || asks) receive_one(data, sizeof data);
    if (!sends && asks) send_one("", 0);
    if (i == 0) begin = now();
  }
  if (!sends) printf("%f\n", now() - begin);
  fflush(stdout);
  if (sends) pause();
  return 0;
}
