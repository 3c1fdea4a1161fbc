// SPDX-License-Identifier: Apache-2.0
#include "config/plugin_keys.h"

#include "base/limits.h"
#include "base/text.h"
#include "deliver/options.h"

namespace standpipe::config {
namespace {

constexpr std::string_view kDigestExample =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace

Key sha256_key() {
  return {"sha256", "TEXT", "",
          "Pins the plugin's file: it is loaded only if its content has this SHA-256, 64 "
          "hexadecimal digits as `sha256sum` prints them. The file is copied into memory and the "
          "copy is loaded, so a plugin that is pinned finds no libraries beside itself.",
          kDigestExample};
}

Key isolation_key() {
  return {"isolation", "inline | thread | process", "as the plugin wants",
          "Where it runs: on the hub's loop, in a thread of its own, or in a process of its own, "
          "whose crash or hang touches nothing else.",
          "process"};
}

Key process_memory_max_key() {
  return {.name = "memory_max",
          .value = "SIZE",
          .fallback = "none",
          .summary =
              "Of a plugin in a process: how much data it may have. Messages are not "
              "counted.",
          .example = "256MiB",
          .least = size_text(kHandlerMemoryLeast),
          .most = size_text(kHandlerMemoryMost)};
}

Key user_key() {
  return {"user", "TEXT", "the hub's",
          "Of a plugin in a process: whom it runs as, if root runs the hub.", "nobody"};
}

Key timeout_key(std::string_view summary) {
  return {.name = "timeout",
          .value = "DURATION",
          .fallback = "none",
          .summary = summary,
          .example = "30s",
          .least = "100ms",
          .most = "1d"};
}

KeyMap backoff_keys(std::string_view path) {
  const deliver::HandlerOptions defaults{.name = {}, .values = {}};
  return {path,
          "Each wait is twice as long as the one before.",
          {{.name = "initial",
            .value = "DURATION",
            .fallback = duration_text(defaults.backoff_initial),
            .summary = "The first wait.",
            .example = "1s",
            .least = "1ms",
            .most = "1d"},
           {.name = "max",
            .value = "DURATION",
            .fallback = duration_text(defaults.backoff_max),
            .summary = "The longest wait.",
            .example = "5m",
            .least = "1ms",
            .most = "1d"}}};
}

}  // namespace standpipe::config
