/* SPDX-License-Identifier: Apache-2.0
 *
 * The client library in C, as a program; client.py is the same in Python.
 *
 *   client send FIFO SIZE...          a message of each size, its content numbered
 *   client receive FIFO COUNT         prints each message's size and CRC-32, and ends after COUNT
 *   client work FIFO MS               prints each message's size, CRC-32 and attempt, acknowledges
 *                                     it, and ends when none came for so long
 *   client hold FIFO                  takes a message, prints the same of it, and never ends
 *   client request FIFO FOLDER COUNT  sends {"n":1}, {"n":2} ..., and prints each reply
 *   client serve FIFO FOLDER COUNT    answers so many requests without a hub, by {"seen":"n"}
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

static void print_work(const standpipe_work* work) {
  printf("%u %u %u\n", work->size, crc32_of(work->data, work->size), work->attempt);
  fflush(stdout);
}

static int work_all(const char* fifo, int patience_ms) {
  standpipe_worker worker;
  standpipe_work work;
  int found, error = standpipe_worker_open(&worker, fifo, 0);
  if (error) return failed("open", error);
  worker.attempts_max = 0;
  while ((found = standpipe_worker_receive(&worker, &work, patience_ms)) == 1) {
    print_work(&work);
    error = standpipe_worker_acknowledge(&worker);
    if (error) return failed("acknowledge", error);
  }
  if (found < 0) return failed("receive", found);
  standpipe_worker_close(&worker);
  return 0;
}

static int hold(const char* fifo) {
  standpipe_worker worker;
  standpipe_work work;
  int found = standpipe_worker_open(&worker, fifo, 0);
  if (found) return failed("open", found);
  found = standpipe_worker_receive(&worker, &work, WAIT_MS);
  if (found != 1) return failed("receive", found ? found : -ETIMEDOUT);
  print_work(&work);
  for (;;) pause();
}

static int request_all(const char* fifo, const char* folder, int count) {
  standpipe_requester service;
  const int error = standpipe_requester_open(&service, fifo, folder, WAIT_MS);
  if (error) return failed("open", error);
  for (int n = 1; n <= count; ++n) {
    char body[32];
    standpipe_message_view reply;
    const int size = snprintf(body, sizeof body, "{\"n\":%d}", n);
    const int found = standpipe_request(&service, body, (size_t)size, &reply, WAIT_MS);
    if (found != 1) return failed("request", found ? found : -ETIMEDOUT);
    printf("%.*s\n", (int)reply.size, (const char*)reply.data);
    fflush(stdout);
  }
  standpipe_requester_close(&service);
  return 0;
}

static int answer(const char* folder, const standpipe_message_view* request) {
  standpipe_text whole, name, n;
  standpipe_sender to;
  char path[4096], body[64];
  int error, size;
  whole.data = (const char*)request->data;
  whole.size = request->size;
  if (standpipe_json_member(whole, "reply_to", &name) != 1) return -ENOMSG;
  if (standpipe_json_member(whole, "n", &n) != 1) return -ENOMSG;
  snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.size - 2, name.data + 1);
  size = snprintf(body, sizeof body, "{\"seen\":\"%.*s\"}", (int)n.size, n.data);
  error = standpipe_sender_open(&to, path, WAIT_MS);
  if (!error)
    error = standpipe_reply(&to, request->data, request->size, body, (size_t)size, WAIT_MS);
  standpipe_sender_close(&to);
  return error;
}

static int serve(const char* fifo, const char* folder, int count) {
  standpipe_receiver in;
  standpipe_message_view request;
  int error = standpipe_receiver_open(&in, fifo, 0);
  if (error) return failed("open", error);
  for (; count > 0; --count) {
    const int found = standpipe_receive(&in, &request, WAIT_MS);
    if (found != 1) return failed("receive", found ? found : -ETIMEDOUT);
    error = answer(folder, &request);
    if (error) return failed("reply", error);
  }
  standpipe_receiver_close(&in);
  return 0;
}

int main(int words, char** word) {
  const char* what = words > 2 ? word[1] : "";
  if (strcmp(what, "send") == 0) return send_all(word[2], word + 3);
  if (strcmp(what, "receive") == 0 && words == 4) return receive_all(word[2], atol(word[3]));
  if (strcmp(what, "work") == 0 && words == 4) return work_all(word[2], atoi(word[3]));
  if (strcmp(what, "hold") == 0) return hold(word[2]);
  if (strcmp(what, "request") == 0 && words == 5)
    return request_all(word[2], word[3], atoi(word[4]));
  if (strcmp(what, "serve") == 0 && words == 5) return serve(word[2], word[3], atoi(word[4]));
  return 2;
}
