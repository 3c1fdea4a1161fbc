#include <standpipe/plugin.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s) \
  { s, sizeof(s) - 1 }

/* Makes a new message of each, and rejects those that are empty. Make it do what you need. */
typedef struct {
  const standpipe_host* host;
  const standpipe_emit* emit;
  char prefix[64];
  size_t prefix_bytes;
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
  it->prefix_bytes = (size_t)prefix.size;
  if (prefix.size > 0) memcpy(it->prefix, prefix.data, it->prefix_bytes);
  *self = it;
  return STANDPIPE_OK;
}

static uint32_t open_transform(void* self, standpipe_reason* reason) {
  const standpipe_string extension = TEXT(STANDPIPE_EMIT_EXTENSION);
  Instance* it = self;
  it->emit = it->host->extension(it->host->self, extension);
  if (it->emit) return STANDPIPE_OK;
  give_reason(reason, "this hub has no " STANDPIPE_EMIT_EXTENSION);
  return STANDPIPE_FATAL;
}

/* Settles message i. There is one reason for a call, so the call ends with the message that needs
 * it, and the hub calls handle again with the next one. */
static uint32_t end_with(standpipe_result* result, uint32_t i, uint8_t outcome, const char* why) {
  result->outcomes[i] = outcome;
  result->at = i + 1;
  give_reason(result->reason, why);
  return STANDPIPE_OK;
}

/* What is emitted has the metadata of its message, too, and takes effect together with the
 * message's outcome: through any death there is one for one. */
static uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
  const Instance* it = self;
  const uint8_t* row = (const uint8_t*)batch->messages;
  for (uint32_t i = 0; i < batch->count; ++i, row += batch->stride) {
    const standpipe_message* m = (const standpipe_message*)row;
    if (m->size == 0) return end_with(result, i, STANDPIPE_REJECT, "it is empty");
    const size_t bytes = it->prefix_bytes + (size_t)m->size;
    uint8_t* text = malloc(bytes);
    if (!text) return end_with(result, i, STANDPIPE_RETRY, "there is no memory");
    memcpy(text, it->prefix, it->prefix_bytes);
    memcpy(text + it->prefix_bytes, m->data, (size_t)m->size);
    const standpipe_out out = {.size = sizeof out, .data = text, .bytes = bytes};
    const uint32_t put = it->emit->emit(it->host->self, i, &out);
    free(text);
    if (put == STANDPIPE_PUT_TOO_LARGE)
      return end_with(result, i, STANDPIPE_REJECT, "what is made of it is too large");
    if (put != STANDPIPE_PUT_OK) { /* no room now: the hub calls again, with this message first */
      result->at = i;
      return STANDPIPE_OK;
    }
  }
  return STANDPIPE_OK;
}

static void destroy(void* self) { free(self); }

static const standpipe_option options[] = {
    {.size = sizeof(standpipe_option),
     .type = STANDPIPE_STRING,
     .name = TEXT("prefix"),
     .summary = TEXT("what comes before each message"),
     .fallback = TEXT("got ")},
};
static const standpipe_handler handler = {.size = sizeof(standpipe_handler),
                                          .placement = STANDPIPE_THREAD,
                                          .create = create,
                                          .open = open_transform,
                                          .handle = handle,
                                          .destroy = destroy};
static const standpipe_plugin plugin = {.size = sizeof(standpipe_plugin),
                                        .abi_major = STANDPIPE_ABI_MAJOR,
                                        .abi_minor = 1,
                                        .name = TEXT("PLUGIN_NAME"),
                                        .version = TEXT("0.1"),
                                        .summary = TEXT("puts a text before each message"),
                                        .options = options,
                                        .option_count = 1,
                                        .option_stride = sizeof(standpipe_option),
                                        .handler = &handler};

STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &plugin; }
