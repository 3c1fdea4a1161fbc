/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plugin rabbitmq is measured beside: the bare library, in a loop.
 *
 *   bench_rabbitmq publish PORT QUEUE SIZE COUNT     persistent, with confirms, 4096 at a time
 *   bench_rabbitmq consume PORT QUEUE SIZE COUNT     prefetch 1000, an acknowledgement every 250
 *
 * Prints seconds.
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kWindow = 4096, kPrefetch = 1000, kAckEvery = 250 };

static void must(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Confirms come in any order and number; what counts is how many are behind us. */
static uint64_t confirmed_by(amqp_connection_state_t c, uint64_t confirmed) {
  amqp_frame_t frame;
  must(amqp_simple_wait_frame(c, &frame) == AMQP_STATUS_OK, "no confirm");
  must(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
       "not a confirm");
  const amqp_basic_ack_t* ack = frame.payload.method.decoded;
  const uint64_t tag = ack->delivery_tag;
  const int multiple = ack->multiple;
  amqp_maybe_release_buffers(c);
  return multiple ? (tag > confirmed ? tag : confirmed) : confirmed + 1;
}

static void publish(amqp_connection_state_t c, amqp_bytes_t queue, size_t size, uint64_t count) {
  amqp_confirm_select(c, 1);
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  amqp_bytes_t body = {size, calloc(1, size + 1)};
  uint64_t sent = 0, confirmed = 0;
  while (confirmed < count) {
    while (sent < count && sent - confirmed < kWindow) {
      must(amqp_basic_publish(c, 1, amqp_empty_bytes, queue, 1, 0, &properties, body) == 0,
           "cannot publish");
      ++sent;
    }
    confirmed = confirmed_by(c, confirmed);
  }
}

static void consume(amqp_connection_state_t c, amqp_bytes_t queue, uint64_t count) {
  amqp_basic_qos(c, 1, 0, kPrefetch, 0);
  amqp_basic_consume(c, 1, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  for (uint64_t i = 1; i <= count; ++i) {
    amqp_envelope_t envelope;
    must(amqp_consume_message(c, &envelope, NULL, 0).reply_type == AMQP_RESPONSE_NORMAL,
         "cannot consume");
    if (i % kAckEvery == 0 || i == count) amqp_basic_ack(c, 1, envelope.delivery_tag, 1);
    amqp_destroy_envelope(&envelope);
    amqp_maybe_release_buffers(c);
  }
}

int main(int argc, char** argv) {
  must(argc == 6, "usage: bench_rabbitmq publish|consume PORT QUEUE SIZE COUNT");
  amqp_connection_state_t c = amqp_new_connection();
  amqp_socket_t* s = amqp_tcp_socket_new(c);
  must(s && amqp_socket_open(s, "127.0.0.1", atoi(argv[2])) == 0, "cannot connect");
  must(amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
           AMQP_RESPONSE_NORMAL,
       "cannot log in");
  amqp_channel_open(c, 1);
  const amqp_bytes_t queue = amqp_cstring_bytes(argv[3]);
  const uint64_t count = (uint64_t)atoll(argv[5]);
  const double began = now();
  if (strcmp(argv[1], "publish") == 0)
    publish(c, queue, (size_t)atol(argv[4]), count);
  else
    consume(c, queue, count);
  printf("%.6f\n", now() - began);
  amqp_connection_close(c, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(c);
  return 0;
}
