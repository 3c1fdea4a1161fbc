/* SPDX-License-Identifier: Apache-2.0
 *
 * writer.py and reader.py once more, with the client library:
 *
 *   client send FIFO SIZE...        a message of each size, its content numbered
 *   client receive FIFO COUNT       prints each message's size and CRC-32, and ends after COUNT
 */
#include <standpipe/client.h>
#include <stdio.h>

#define WAIT_MS 60000

static uint32_t crc32_of(const uint8_t* data, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

static void fill(char* to, size_t size, int number) {
  char piece[16];
  const size_t length = (size_t)snprintf(piece, sizeof piece, "%d ", number);
  for (size_t i = 0; i < size; ++i) to[i] = piece[i % length];
}

static int failed(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(-error));
  return 1;
}

static int send_all(const char* fifo, char** sizes) {
  standpipe_sender out;
  int error = standpipe_sender_open(&out, fifo, WAIT_MS);
  if (error) return failed("open", error);
  for (int number = 0; sizes[number]; ++number) {
    const size_t size = strtoul(sizes[number], NULL, 10);
    char* content = malloc(size + 1);
    fill(content, size, number);
    error = standpipe_send(&out, content, size, WAIT_MS);
    free(content);
    if (error) return failed("send", error);
  }
  standpipe_sender_close(&out);
  return 0;
}

static int receive_all(const char* fifo, long count) {
  standpipe_receiver in;
  standpipe_message_view message;
  const int error = standpipe_receiver_open(&in, fifo, 0);
  if (error) return failed("open", error);
  for (; count > 0; --count) {
    const int found = standpipe_receive(&in, &message, WAIT_MS);
    if (found != 1) return failed("receive", found ? found : -ETIMEDOUT);
    printf("%u %u\n", message.size, crc32_of(message.data, message.size));
  }
  standpipe_receiver_close(&in);
  return 0;
}

int main(int words, char** word) {
  if (words > 2 && strcmp(word[1], "send") == 0) return send_all(word[2], word + 3);
  if (words == 4 && strcmp(word[1], "receive") == 0) return receive_all(word[2], atol(word[3]));
  return 2;
}
