// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/text.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

// A handler on the bare ABI that does in each call what the test says.
class Speaking {
 public:
  using Handle = std::function<std::uint32_t(const standpipe_host&, const standpipe_batch&,
                                             standpipe_result&)>;
  using Tick = std::function<std::uint32_t(const standpipe_host&, std::uint64_t, std::uint64_t&)>;

  Speaking() {
    handler_.size = sizeof handler_;
    handler_.placement = STANDPIPE_INLINE;
    handler_.create = [](const standpipe_host* host, const standpipe_config*, void** self,
                         standpipe_reason*) -> std::uint32_t {
      the_one()->host_ = host;
      *self = the_one();
      return STANDPIPE_OK;
    };
    handler_.handle = [](void* self, const standpipe_batch* batch, standpipe_result* result) {
      auto& one = *static_cast<Speaking*>(self);
      return one.handle ? one.handle(*one.host_, *batch, *result) : std::uint32_t{STANDPIPE_OK};
    };
    handler_.destroy = [](void*) {};
    handler_.tick = [](void* self, std::uint64_t now, std::uint64_t* next, standpipe_reason*) {
      auto& one = *static_cast<Speaking*>(self);
      return one.tick ? one.tick(*one.host_, now, *next) : std::uint32_t{STANDPIPE_OK};
    };
    plugin_.size = sizeof plugin_;
    plugin_.abi_major = STANDPIPE_ABI_MAJOR;
    plugin_.abi_minor = STANDPIPE_ABI_MINOR;
    plugin_.name = standpipe::detail::abi("speaking");
    plugin_.handler = &handler_;
    the_one() = this;
  }
  Speaking(const Speaking&) = delete;
  Speaking& operator=(const Speaking&) = delete;

  Handle handle;
  Tick tick;
  const standpipe_plugin& plugin() const { return plugin_; }

 private:
  static Speaking*& the_one() {
    static Speaking* one = nullptr;
    return one;
  }
  const standpipe_host* host_ = nullptr;
  standpipe_handler handler_{};
  standpipe_plugin plugin_{};
};
