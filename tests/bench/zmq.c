/* SPDX-License-Identifier: Apache-2.0
 *
 * A rival: PUSH -> zmq_proxy -> PULL over ipc, as a C program would use it. Addresses are paths of
 * sockets.
 *
 *   zmq proxy IN OUT                 binds both
 *   zmq write IN SIZE COUNT WARM     sends numbered messages, then stays until it is killed
 *   zmq read OUT SIZE COUNT WARM     receives and checks them; prints as load.h says
 */
#include "load.h"

#include <zmq.h>

static void* open_socket(void* context, int type, const char* path, int binds) {
  char address[512];
  snprintf(address, sizeof address, "ipc://%s", path);
  void* s = zmq_socket(context, type);
  if (!s || (binds ? zmq_bind(s, address) : zmq_connect(s, address)) != 0) fail(path);
  return s;
}

static int write_messages(void* socket, size_t size, uint64_t count) {
  uint8_t* bytes = malloc(size);
  memset(bytes, 'x', size);
  for (uint64_t number = 0; number < count; ++number) {
    memcpy(bytes, &number, sizeof number);
    if (zmq_send(socket, bytes, size, 0) < 0) fail("zmq_send");
  }
  pause();
  return 0;
}

static int read_messages(void* socket, size_t size, uint64_t count, uint64_t warm) {
  uint8_t* bytes = malloc(size);
  for (uint64_t number = 0; number < count; ++number) {
    uint64_t stands;
    const int n = zmq_recv(socket, bytes, size, 0);
    if (n < 0) fail("zmq_recv");
    memcpy(&stands, bytes, sizeof stands);
    if ((size_t)n != size || stands != number) {
      fprintf(stderr, "message %llu is not what was sent\n", (unsigned long long)number);
      return 1;
    }
    if (number + 1 == warm) say("mark");
  }
  say("end");
  return 0;
}

int main(int argc, char** argv) {
  void* context = zmq_ctx_new();
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "proxy") && argc == 4)
    return zmq_proxy(open_socket(context, ZMQ_PULL, argv[2], 1),
                     open_socket(context, ZMQ_PUSH, argv[3], 1), NULL);
  if (argc != 6 || atoi(argv[3]) < 8) return 2;
  const size_t size = strtoull(argv[3], NULL, 10);
  const uint64_t count = strtoull(argv[4], NULL, 10), warm = strtoull(argv[5], NULL, 10);
  if (!strcmp(what, "write"))
    return write_messages(open_socket(context, ZMQ_PUSH, argv[2], 0), size, count);
  if (!strcmp(what, "read"))
    return read_messages(open_socket(context, ZMQ_PULL, argv[2], 0), size, count, warm);
  return 2;
}
