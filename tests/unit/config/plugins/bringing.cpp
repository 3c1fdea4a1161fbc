// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.h>

#include <cstring>
#include <string_view>

// A source that brings nothing, for the tests of what a configuration may say. It needs a path, and
// refuses one that ends in "nowhere".
namespace {

constexpr standpipe_string text(std::string_view s) { return {s.data(), s.size()}; }

std::string_view path_in(const standpipe_config& config) {
  const auto& value = config.values[0].text;
  return {value.data, value.size};
}

std::uint32_t create(const standpipe_host*, const standpipe_config* config, void** self,
                     standpipe_reason* reason) {
  static constexpr std::string_view kWhy = "path: nothing is there";
  static int instance;
  *self = &instance;
  if (!path_in(*config).ends_with("nowhere")) return STANDPIPE_OK;
  std::memcpy(reason->text, kWhy.data(), kWhy.size());
  reason->length = kWhy.size();
  return STANDPIPE_FATAL;
}

std::uint32_t open(void*, standpipe_string, standpipe_reason*) { return STANDPIPE_OK; }
std::uint32_t poll(void*, standpipe_credit*, standpipe_reason*) { return STANDPIPE_OK; }
void destroy(void*) {}

constexpr standpipe_option path() {
  standpipe_option option{};
  option.size = sizeof option;
  option.type = STANDPIPE_PATH;
  option.required = 1;
  option.name = text("path");
  option.summary = text("where messages come from");
  option.example = text("/var/log/orders.log");
  return option;
}

constexpr standpipe_option kOptions[] = {path()};
constexpr standpipe_source kSource = {sizeof kSource, STANDPIPE_THREAD, create,  open,
                                      poll,           nullptr,          nullptr, destroy};
constexpr standpipe_plugin kPlugin = {sizeof kPlugin,
                                      STANDPIPE_ABI_MAJOR,
                                      STANDPIPE_ABI_MINOR,
                                      text("bringing"),
                                      text("1.0"),
                                      text("brings nothing"),
                                      text(""),
                                      kOptions,
                                      1,
                                      sizeof kOptions[0],
                                      nullptr,
                                      &kSource};

}  // namespace

extern "C" STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return &kPlugin; }
