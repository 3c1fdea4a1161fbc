/* SPDX-License-Identifier: Apache-2.0
 *
 * What nats.c does without a hub: publishes to a subject with an id and an acknowledgement for each
 * message, or fetches from a durable consumer and acknowledges each. Prints messages a second.
 *
 *   bench_nats publish URL SUBJECT SIZE COUNT
 *   bench_nats fetch URL STREAM DURABLE COUNT
 */
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic long acknowledged;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
  exit(1);
}

static void on_acknowledged(jsCtx* js, natsMsg* message, jsPubAck* good, jsPubAckErr* bad,
                            void* closure) {
  (void)js, (void)bad, (void)closure;
  if (good) atomic_fetch_add(&acknowledged, 1);
  natsMsg_Destroy(message);
}

static double publish(natsConnection* nc, const char* subject, int size, long count) {
  jsOptions options;
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = 4000;
  options.PublishAsync.StallWait = 10000;
  options.PublishAsync.AckHandler = on_acknowledged;
  jsCtx* js = NULL;
  must(natsConnection_JetStream(&js, nc, &options), "jetstream");
  char* payload = calloc(1, (size_t)size);
  const long salt = (long)(now() * 1e6);
  const double began = now();
  for (long i = 0; i < count; ++i) {
    char id[64];
    snprintf(id, sizeof id, "in:%ld:%lx", i, salt);
    jsPubOptions each;
    jsPubOptions_Init(&each);
    each.MsgId = id;
    must(js_PublishAsync(js, subject, payload, size, &each), "publish");
  }
  must(js_PublishAsyncComplete(js, NULL), "complete");
  while (atomic_load(&acknowledged) < count) nats_Sleep(1);
  return (double)count / (now() - began);
}

static double fetch(natsConnection* nc, const char* stream, const char* durable, long count) {
  jsCtx* js = NULL;
  must(natsConnection_JetStream(&js, nc, NULL), "jetstream");
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream;
  options.Consumer = durable;
  natsSubscription* sub = NULL;
  must(js_PullSubscribe(&sub, js, NULL, durable, NULL, &options, NULL), "subscribe");
  const double began = now();
  for (long got = 0; got < count;) {
    natsMsgList list;
    const natsStatus status = natsSubscription_Fetch(&list, sub, 2000, 1000, NULL);
    if (status == NATS_TIMEOUT || status == NATS_NOT_FOUND) continue;
    must(status, "fetch");
    for (int i = 0; i < list.Count; ++i) must(natsMsg_Ack(list.Msgs[i], NULL), "ack");
    got += list.Count;
    natsMsgList_Destroy(&list);
  }
  must(natsConnection_Flush(nc), "flush");
  return (double)count / (now() - began);
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  natsConnection* nc = NULL;
  must(natsConnection_ConnectTo(&nc, argv[2]), "connect");
  const double rate = strcmp(argv[1], "publish") == 0
                          ? publish(nc, argv[3], atoi(argv[4]), atol(argv[5]))
                          : fetch(nc, argv[3], argv[4], atol(argv[5]));
  printf("%.0f\n", rate);
  return 0;
}
