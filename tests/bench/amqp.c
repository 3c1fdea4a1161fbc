/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishes persistent messages to a durable queue of RabbitMQ with confirms, and says when they
 * were confirmed.
 *
 *   amqp PORT SIZE COUNT WARM
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kWindow = 4096 };

static void must(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void say(const char* word) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("%s %.9f\n", word, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
  fflush(stdout);
}

static uint64_t confirmed_by(amqp_connection_state_t c) {
  amqp_frame_t frame;
  struct timeval patience = {60, 0};
  must(amqp_simple_wait_frame_noblock(c, &frame, &patience) == AMQP_STATUS_OK, "no confirm");
  must(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
       "not a confirm");
  const uint64_t tag = ((amqp_basic_ack_t*)frame.payload.method.decoded)->delivery_tag;
  amqp_maybe_release_buffers(c);
  return tag;
}

int main(int argc, char** argv) {
  must(argc == 5, "usage: amqp PORT SIZE COUNT WARM");
  const size_t size = (size_t)atol(argv[2]);
  const uint64_t count = (uint64_t)atoll(argv[3]), warm = (uint64_t)atoll(argv[4]);
  amqp_connection_state_t c = amqp_new_connection();
  amqp_socket_t* s = amqp_tcp_socket_new(c);
  must(s && amqp_socket_open(s, "127.0.0.1", atoi(argv[1])) == 0, "cannot connect");
  must(amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
           AMQP_RESPONSE_NORMAL,
       "cannot log in");
  amqp_channel_open(c, 1);
  amqp_queue_declare(c, 1, amqp_cstring_bytes("bench"), 0, 1, 0, 0, amqp_empty_table);
  amqp_confirm_select(c, 1);
  must(amqp_get_rpc_reply(c).reply_type == AMQP_RESPONSE_NORMAL, "cannot declare the queue");
  amqp_basic_properties_t properties = {0};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  amqp_bytes_t body = {size, calloc(1, size)};
  must(body.bytes != NULL, "no memory");
  uint64_t sent = 0, confirmed = 0;
  /* Confirms come for many at once, so the mark waits until none is missing. */
  for (int warms = 1; warms >= 0; --warms) {
    const uint64_t until = warms ? warm : count;
    while (confirmed < until) {
      while (sent < until && sent - confirmed < kWindow) {
        must(amqp_basic_publish(c, 1, amqp_empty_bytes, amqp_cstring_bytes("bench"), 0, 0,
                                &properties, body) == AMQP_STATUS_OK,
             "cannot publish");
        ++sent;
      }
      confirmed = confirmed_by(c); /* with all before it */
    }
    say(warms ? "mark" : "end");
  }
  return 0;
}
