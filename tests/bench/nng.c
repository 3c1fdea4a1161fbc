/* SPDX-License-Identifier: Apache-2.0
 *
 * A rival: push -> nng_device -> pull over ipc, as a C program would use it. Addresses are paths of
 * sockets.
 *
 *   nng device IN OUT                listens on both
 *   nng write IN SIZE COUNT WARM     sends numbered messages, then stays until it is killed
 *   nng read OUT SIZE COUNT WARM     receives and checks them; prints as load.h says
 */
#include "load.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

static void must(int error, const char* what) {
  if (error == 0) return;
  fprintf(stderr, "%s: %s\n", what, nng_strerror(error));
  exit(1);
}

static nng_socket open_socket(int (*open)(nng_socket*), const char* path, int listens) {
  char address[512];
  snprintf(address, sizeof address, "ipc://%s", path);
  nng_socket s;
  must(open(&s), "open");
  must(listens ? nng_listen(s, address, NULL, 0) : nng_dial(s, address, NULL, 0), path);
  return s;
}

static int write_messages(nng_socket socket, size_t size, uint64_t count) {
  uint8_t* bytes = malloc(size);
  memset(bytes, 'x', size);
  for (uint64_t number = 0; number < count; ++number) {
    memcpy(bytes, &number, sizeof number);
    must(nng_send(socket, bytes, size, 0), "nng_send");
  }
  pause();
  return 0;
}

static int read_messages(nng_socket socket, size_t size, uint64_t count, uint64_t warm) {
  uint8_t* bytes = malloc(size);
  for (uint64_t number = 0; number < count; ++number) {
    uint64_t stands;
    size_t n = size;
    must(nng_recv(socket, bytes, &n, 0), "nng_recv");
    memcpy(&stands, bytes, sizeof stands);
    if (n != size || stands != number) {
      fprintf(stderr, "message %llu is not what was sent\n", (unsigned long long)number);
      return 1;
    }
    if (number + 1 == warm) say("mark");
  }
  say("end");
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "device") && argc == 4) {
    const nng_socket in = open_socket(nng_pull0_open_raw, argv[2], 1);
    must(nng_device(in, open_socket(nng_push0_open_raw, argv[3], 1)), "nng_device");
  }
  if (argc != 6 || atoi(argv[3]) < 8) return 2;
  const size_t size = strtoull(argv[3], NULL, 10);
  const uint64_t count = strtoull(argv[4], NULL, 10), warm = strtoull(argv[5], NULL, 10);
  if (!strcmp(what, "write"))
    return write_messages(open_socket(nng_push0_open, argv[2], 0), size, count);
  if (!strcmp(what, "read"))
    return read_messages(open_socket(nng_pull0_open, argv[2], 0), size, count, warm);
  return 2;
}
