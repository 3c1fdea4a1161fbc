/* SPDX-License-Identifier: Apache-2.0
 *
 * What libcurl alone does with SQS, for bench_sqs.py: signed requests, ten messages each, several
 * at a time, nothing else. bench_sqs send|receive ENDPOINT QUEUE_URL MESSAGES BYTES REQUESTS
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 10 };

struct exchange {
  CURL* easy;
  char* body;
  char* reply;
  size_t size, room;
  int deletes;
};

static const char *url, *queue;
static struct curl_slist* headers[3];
static CURLM* multi;
static char *batch, *get; /* what is sent */
static long left;         /* messages */
static int running;       /* exchanges */

static size_t receive(char* data, size_t one, size_t count, void* self) {
  struct exchange* x = self;
  if (x->size + count + 1 > x->room)
    x->reply = realloc(x->reply, x->room = 2 * (x->size + count + 1));
  memcpy(x->reply + x->size, data, count);
  x->reply[x->size += count] = 0;
  return one * count;
}

static void start(struct exchange* x, int kind, const char* body) {
  x->size = 0;
  x->deletes = kind == 2;
  curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, headers[kind]);
  curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
  curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, body);
  curl_multi_add_handle(multi, x->easy);
}

/* Of what was received; returns how many. */
static int make_delete(struct exchange* x) {
  int count = 0;
  free(x->body);
  char* out = x->body = malloc(x->size + 1000);
  out += sprintf(out, "{\"QueueUrl\":\"%s\",\"Entries\":[", queue);
  for (char* at = x->reply; (at = strstr(at, "\"ReceiptHandle\":\"")); ++count) {
    at += strlen("\"ReceiptHandle\":\"");
    const int size = (int)strcspn(at, "\"");
    out += sprintf(out, "%s{\"Id\":\"%d\",\"ReceiptHandle\":\"%.*s\"}", count ? "," : "", count,
                   size, at);
  }
  strcpy(out, "]}");
  return count;
}

static void make_headers(void) {
  const char* names[] = {"X-Amz-Target: AmazonSQS.SendMessageBatch",
                         "X-Amz-Target: AmazonSQS.ReceiveMessage",
                         "X-Amz-Target: AmazonSQS.DeleteMessageBatch"};
  for (int i = 0; i < 3; ++i) {
    headers[i] = curl_slist_append(NULL, "Content-Type: application/x-amz-json-1.0");
    headers[i] = curl_slist_append(headers[i], names[i]);
  }
}

static void make_batch(int bytes) {
  char* out = batch = malloc((size_t)(bytes + 100) * ENTRIES + 1000);
  out += sprintf(out, "{\"QueueUrl\":\"%s\",\"Entries\":[", queue);
  for (int i = 0; i < ENTRIES; ++i) {
    out += sprintf(out, "%s{\"Id\":\"%d\",\"MessageBody\":\"", i ? "," : "", i);
    memset(out, 'x', (size_t)bytes);
    out += bytes;
    out += sprintf(out, "\"}");
  }
  strcpy(out, "]}");
}

static void make_get(void) {
  get = malloc(strlen(queue) + 200);
  sprintf(get,
          "{\"QueueUrl\":\"%s\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":1,"
          "\"MessageSystemAttributeNames\":[\"All\"],\"MessageAttributeNames\":[\"All\"]}",
          queue);
}

static struct exchange* make_exchange(void) {
  struct exchange* x = calloc(1, sizeof *x);
  x->easy = curl_easy_init();
  curl_easy_setopt(x->easy, CURLOPT_URL, url);
  curl_easy_setopt(x->easy, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:sqs");
  curl_easy_setopt(x->easy, CURLOPT_USERNAME, getenv("AWS_ACCESS_KEY_ID"));
  curl_easy_setopt(x->easy, CURLOPT_PASSWORD, getenv("AWS_SECRET_ACCESS_KEY"));
  curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
  return x;
}

/* The exchange that has ended, well; NULL: it has failed. */
static struct exchange* end(const CURLMsg* m) {
  struct exchange* x;
  long status = 0;
  curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
  curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
  if (m->data.result != CURLE_OK || status != 200)
    return fprintf(stderr, "status %ld: %s\n", status, x->reply), NULL;
  curl_multi_remove_handle(multi, x->easy);
  return x;
}

/* One exchange after the other of the same. */
static void go_on(struct exchange* x, int sends) {
  if (sends && left > 0) {
    left -= ENTRIES;
    start(x, 0, batch);
  } else if (sends) {
    --running;
  } else if (!x->deletes && make_delete(x) > 0) {
    start(x, 2, x->body);
  } else {
    left -= x->deletes ? ENTRIES : 0;
    start(x, 1, get);
  }
}

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const int sends = strcmp(argv[1], "send") == 0, requests = atoi(argv[6]);
  url = argv[2];
  queue = argv[3];
  left = atol(argv[4]);
  make_headers();
  make_batch(atoi(argv[5]));
  make_get();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  for (; running < requests && (!sends || left > 0); ++running) {
    left -= sends ? ENTRIES : 0;
    start(make_exchange(), sends ? 0 : 1, sends ? batch : get);
  }
  while (running > 0 && (sends || left > 0)) {
    int active, more, ended = 0;
    curl_multi_perform(multi, &active);
    for (CURLMsg* m; (m = curl_multi_info_read(multi, &more)); ended = 1) {
      struct exchange* x = end(m);
      if (!x) return 1;
      go_on(x, sends);
    }
    if (!ended) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return 0;
}
