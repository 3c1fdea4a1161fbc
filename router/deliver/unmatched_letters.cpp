// SPDX-License-Identifier: Apache-2.0
#include "deliver/unmatched_letters.h"

#include <standpipe/plugin.h>

#include <cstring>
#include <string_view>

namespace standpipe::deliver {
namespace {

constexpr std::string_view kWhy = "no route wants it";

std::uint32_t create(const standpipe_host*, const standpipe_config*, void** self,
                     standpipe_reason*) {
  static char instance;
  *self = &instance;
  return STANDPIPE_OK;
}

std::uint32_t open(void*, standpipe_reason*) { return STANDPIPE_OK; }

std::uint32_t reject_all(void*, const standpipe_batch* batch, standpipe_result* result) {
  std::memset(result->outcomes, STANDPIPE_REJECT, batch->count);
  result->reason->length =
      static_cast<std::uint32_t>(kWhy.copy(result->reason->text, sizeof result->reason->text));
  return STANDPIPE_OK;
}

void do_nothing(void*) {}

plugin::Plugin made() {
  static const standpipe_handler functions = {sizeof(standpipe_handler),
                                              STANDPIPE_INLINE,
                                              create,
                                              open,
                                              reject_all,
                                              nullptr,
                                              do_nothing,
                                              do_nothing,
                                              nullptr,
                                              nullptr};
  static standpipe_plugin abi{};
  abi.size = sizeof abi;
  abi.abi_major = STANDPIPE_ABI_MAJOR;
  abi.handler = &functions;
  plugin::Plugin plugin;
  plugin.name = "dead_letter";
  plugin.abi = &abi;
  return plugin;
}

}  // namespace

HandlerOptions unmatched_letters() {
  static const auto plugin = made();
  HandlerOptions options;
  options.name = "dead_letter";
  options.plugin = &plugin;
  options.rejects_for = Reason::no_route;
  return options;
}

}  // namespace standpipe::deliver
