// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.h>

#include <string_view>

// A handler that may emit, for the tests of what a configuration may say; it does nothing.
namespace {

constexpr standpipe_string text(std::string_view s) { return {s.data(), s.size()}; }

std::uint32_t create(const standpipe_host*, const standpipe_config*, void** self,
                     standpipe_reason*) {
  static int instance;
  *self = &instance;
  return STANDPIPE_OK;
}
std::uint32_t handle(void*, const standpipe_batch*, standpipe_result*) { return STANDPIPE_OK; }
void destroy(void*) {}

constexpr standpipe_handler kHandler = {sizeof kHandler, STANDPIPE_INLINE, create,  nullptr,
                                        handle,          nullptr,          nullptr, destroy,
                                        nullptr,         nullptr};
constexpr standpipe_plugin kPlugin = {sizeof kPlugin,
                                      STANDPIPE_ABI_MAJOR,
                                      STANDPIPE_ABI_MINOR,
                                      text("speaking"),
                                      text("1.0"),
                                      text("may emit messages"),
                                      text(""),
                                      nullptr,
                                      0,
                                      0,
                                      &kHandler,
                                      nullptr};

}  // namespace

extern "C" STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &kPlugin; }
