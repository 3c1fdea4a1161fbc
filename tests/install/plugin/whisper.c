/* SPDX-License-Identifier: Apache-2.0
 * A handler in C, as an author elsewhere would write it: it takes all messages and does nothing. */
#include <standpipe/plugin.h>

#define TEXT(s) \
  { s, sizeof(s) - 1 }

static uint32_t create(const standpipe_host* host, const standpipe_config* config, void** self,
                       standpipe_reason* reason) {
  (void)host, (void)config, (void)reason;
  *self = self;
  return STANDPIPE_OK;
}

static uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
  (void)self, (void)batch, (void)result;
  return STANDPIPE_OK;
}

static void destroy(void* self) { (void)self; }

static const standpipe_handler handler = {.size = sizeof(standpipe_handler),
                                          .placement = STANDPIPE_INLINE,
                                          .create = create,
                                          .handle = handle,
                                          .destroy = destroy};

static const standpipe_plugin plugin = {.size = sizeof(standpipe_plugin),
                                        .abi_major = STANDPIPE_ABI_MAJOR,
                                        .name = TEXT("whisper"),
                                        .version = TEXT("1.0"),
                                        .summary = TEXT("keeps what it hears to itself"),
                                        .handler = &handler};

STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &plugin; }
