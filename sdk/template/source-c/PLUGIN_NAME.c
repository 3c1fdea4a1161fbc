#define _GNU_SOURCE 1 /* for ppoll */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <standpipe/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT(s) \
  { s, sizeof(s) - 1 }
#define SECOND UINT64_C(1000000000) /* in nanoseconds */

/* Brings a number every so often. Make it bring what you need. */
typedef struct {
  const standpipe_host* host;
  const standpipe_accept* accept;
  char prefix[64];
  uint64_t every; /* nanoseconds */
  uint64_t next;
  uint64_t due; /* by CLOCK_MONOTONIC */
} Instance;

static void give_reason(standpipe_reason* reason, const char* text) {
  reason->length = (uint32_t)strlen(text);
  memcpy(reason->text, text, reason->length);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* The value of the option at that index of `options`, below. */
static const standpipe_value* value_of(const standpipe_config* config, uint32_t option) {
  const uint8_t* values = (const uint8_t*)config->values;
  return (const standpipe_value*)(values + (size_t)option * config->value_stride);
}

/* Touches nothing outside: a hub makes an instance more often than it opens one. */
static uint32_t create(const standpipe_host* host, const standpipe_config* config, void** self,
                       standpipe_reason* reason) {
  const standpipe_string prefix = value_of(config, 0)->text;
  Instance* it = calloc(1, sizeof *it);
  if (!it) {
    give_reason(reason, "there is no memory");
    return STANDPIPE_FATAL;
  }
  if (prefix.size >= sizeof it->prefix) {
    give_reason(reason, "prefix: it has at most 63 bytes");
    free(it);
    return STANDPIPE_FATAL;
  }
  it->host = host;
  if (prefix.size > 0) memcpy(it->prefix, prefix.data, prefix.size);
  it->every = (uint64_t)value_of(config, 1)->integer;
  *self = it;
  return STANDPIPE_OK;
}

/* Returns 0 if the text is no number. It does not end in a NUL. */
static int parse_number(standpipe_string text, uint64_t* number) {
  *number = 0;
  for (uint64_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '0' || text.data[i] > '9') return 0;
    const uint64_t digit = (uint64_t)(text.data[i] - '0');
    if (*number > (UINT64_MAX - digit) / 10) return 0;
    *number = *number * 10 + digit;
  }
  return text.size > 0;
}

/* Connect here, and go on where `resume` says: the text that was given to accept->resume with the
 * last message that the hub has kept, and empty at the very first time. */
static uint32_t open_source(void* self, standpipe_string resume, standpipe_reason* reason) {
  const standpipe_string extension = TEXT(STANDPIPE_ACCEPT_EXTENSION);
  Instance* it = self;
  it->accept = it->host->extension(it->host->self, extension);
  if (!it->accept) {
    give_reason(reason, "this hub has no " STANDPIPE_ACCEPT_EXTENSION);
    return STANDPIPE_FATAL;
  }
  it->next = 1;
  it->due = now();
  if (resume.size > 0 && !parse_number(resume, &it->next)) {
    give_reason(reason, "its place in the hub's state is no number: it was another plugin's");
    return STANDPIPE_FATAL;
  }
  return STANDPIPE_OK;
}

/* Waits until `due`. Returns 0 if poll must return before that: its deadline comes first, or the
 * hub has made wake_fd readable. */
static int wait_until(uint64_t due, const standpipe_credit* credit) {
  const uint64_t end = due < credit->deadline ? due : credit->deadline;
  for (;;) {
    struct pollfd wake = {.fd = credit->wake_fd, .events = POLLIN};
    const uint64_t time = now();
    const uint64_t left = end > time ? end - time : 0;
    const struct timespec pause = {.tv_sec = (time_t)(left / SECOND),
                                   .tv_nsec = (long)(left % SECOND)};
    const int found = ppoll(&wake, 1, &pause, NULL);
    if (found == 0) return due <= credit->deadline;
    if (found > 0 || errno != EINTR) return 0;
  }
}

/* Called again and again. The hub keeps the messages and the place together when it returns; after
 * any death it goes on behind them. This brings one message a call: bring more, up to
 * credit->messages and credit->bytes, if you have them. */
static uint32_t poll_source(void* self, standpipe_credit* credit, standpipe_reason* reason) {
  Instance* it = self;
  void* const host = it->host->self;
  if (!wait_until(it->due, credit)) return STANDPIPE_OK;
  char text[96];
  const int length = snprintf(text, sizeof text, "%s%" PRIu64, it->prefix, it->next);
  const standpipe_out message = {
      .size = sizeof message, .data = (const uint8_t*)text, .bytes = (uint64_t)length};
  uint64_t sequence;
  const uint32_t put = it->accept->put(host, &message, &sequence);
  if (put == STANDPIPE_PUT_TOO_LARGE) {
    give_reason(reason, "the hub takes no such prefix");
    return STANDPIPE_FATAL;
  }
  if (put != STANDPIPE_PUT_OK) return STANDPIPE_OK;
  ++it->next;
  const int digits = snprintf(text, sizeof text, "%" PRIu64, it->next);
  it->accept->resume(host, (standpipe_string){text, (uint64_t)digits});
  it->due = now() + it->every;
  return STANDPIPE_OK;
}

static void destroy(void* self) { free(self); }

static const standpipe_option options[] = {
    {.size = sizeof(standpipe_option),
     .type = STANDPIPE_STRING,
     .name = TEXT("prefix"),
     .summary = TEXT("what comes before each number"),
     .fallback = TEXT("number ")},
    {.size = sizeof(standpipe_option),
     .type = STANDPIPE_DURATION,
     .name = TEXT("every"),
     .summary = TEXT("from one to the next"),
     .fallback = TEXT("1s"),
     .minimum = TEXT("1ms")},
};
static const standpipe_source source = {.size = sizeof(standpipe_source),
                                        .placement = STANDPIPE_THREAD,
                                        .create = create,
                                        .open = open_source,
                                        .poll = poll_source,
                                        .destroy = destroy};
static const standpipe_plugin plugin = {.size = sizeof(standpipe_plugin),
                                        .abi_major = STANDPIPE_ABI_MAJOR,
                                        .abi_minor = 1,
                                        .name = TEXT("PLUGIN_NAME"),
                                        .version = TEXT("0.1"),
                                        .summary = TEXT("brings a number every so often"),
                                        .options = options,
                                        .option_count = 2,
                                        .option_stride = sizeof(standpipe_option),
                                        .source = &source};

STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &plugin; }
