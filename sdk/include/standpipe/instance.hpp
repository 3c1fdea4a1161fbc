// SPDX-License-Identifier: Apache-2.0
//
// standpipe/instance.hpp: what the C functions of handlers and sources have in common: how an
// instance is made and ends, and how exceptions become answers. Part of plugin.hpp; not for
// plugins.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/host.hpp>
#include <standpipe/options.hpp>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <cstdint>
#include <exception>
#include <string_view>

namespace standpipe::detail {

constexpr std::string_view kUnknownException =
    "the plugin threw something that is not a std::exception";

// Calls `body` and turns what it throws into an answer for the whole instance.
template <class Body>
std::uint32_t guarded(standpipe_reason* reason, std::uint32_t otherwise, Body body) noexcept {
  try {
    body();
    return STANDPIPE_OK;
  } catch (const disconnected& e) {
    write_reason(reason, e.what());
    return STANDPIPE_DISCONNECTED;
  } catch (const fatal& e) {
    write_reason(reason, e.what());
    return STANDPIPE_FATAL;
  } catch (const std::exception& e) {
    write_reason(reason, e.what());
    return otherwise;
  } catch (...) {
    write_reason(reason, kUnknownException);
    return otherwise;
  }
}

// An object of the class T in the plugin that Plugin::description() describes.
template <class T, class Plugin>
struct Instance {
  static std::uint32_t create(const standpipe_host* host, const standpipe_config* config,
                              void** self, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_FATAL,
                   [&] { *self = new T(Options(*config, *Plugin::description(), Host(host))); });
  }
  static void close(void* self) noexcept {
    guarded(nullptr, STANDPIPE_OK, [&] {
      if constexpr (requires(T & t) { t.close(); }) static_cast<T*>(self)->close();
    });
  }
  static void destroy(void* self) noexcept {
    guarded(nullptr, STANDPIPE_OK, [&] { delete static_cast<T*>(self); });
  }
};

}  // namespace standpipe::detail
