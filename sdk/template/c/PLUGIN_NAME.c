#include <standpipe/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s) \
  { s, sizeof(s) - 1 }

/* Says how long each message is, and rejects those that are empty. Make it do what you need. */
typedef struct {
  const standpipe_host* host;
  char prefix[64];
} Instance;

static void give_reason(standpipe_reason* reason, const char* text) {
  reason->length = (uint32_t)strlen(text);
  memcpy(reason->text, text, reason->length);
}

/* Touches nothing outside: a hub makes an instance more often than it opens one. */
static uint32_t create(const standpipe_host* host, const standpipe_config* config, void** self,
                       standpipe_reason* reason) {
  const standpipe_string prefix = config->values[0].text;
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
  *self = it;
  return STANDPIPE_OK;
}

static void say_length(const Instance* it, const standpipe_message* m) {
  char line[128];
  const int bytes =
      snprintf(line, sizeof line, "%s%llu bytes", it->prefix, (unsigned long long)m->size);
  const standpipe_string text = {line, (uint64_t)bytes};
  it->host->log(it->host->self, STANDPIPE_LOG_INFO, text);
}

static uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
  const uint8_t* row = (const uint8_t*)batch->messages;
  for (uint32_t i = 0; i < batch->count; ++i, row += batch->stride) {
    const standpipe_message* m = (const standpipe_message*)row;
    if (m->size == 0) {
      result->outcomes[i] = STANDPIPE_REJECT;
      give_reason(result->reason, "it is empty");
    } else {
      say_length(self, m);
    }
  }
  return STANDPIPE_OK;
}

static void destroy(void* self) { free(self); }

static const standpipe_option options[] = {
    {.size = sizeof(standpipe_option),
     .type = STANDPIPE_STRING,
     .name = TEXT("prefix"),
     .summary = TEXT("what comes before each length"),
     .fallback = TEXT("got ")},
};
static const standpipe_handler handler = {.size = sizeof(standpipe_handler),
                                          .placement = STANDPIPE_THREAD,
                                          .create = create,
                                          .handle = handle,
                                          .destroy = destroy};
static const standpipe_plugin plugin = {.size = sizeof(standpipe_plugin),
                                        .abi_major = STANDPIPE_ABI_MAJOR,
                                        .abi_minor = 0,
                                        .name = TEXT("PLUGIN_NAME"),
                                        .version = TEXT("0.1"),
                                        .summary = TEXT("says how long messages are"),
                                        .options = options,
                                        .option_count = 1,
                                        .option_stride = sizeof(standpipe_option),
                                        .handler = &handler};

STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &plugin; }
