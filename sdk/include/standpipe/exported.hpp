// SPDX-License-Identifier: Apache-2.0
//
// standpipe/exported.hpp: the description of a plugin that is written as classes: a handler, a
// source, or one of each. Part of plugin.hpp; not for plugins.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/description.hpp>
#include <standpipe/handler.hpp>
#include <standpipe/source.hpp>

#include <cstdint>
#include <tuple>
#include <type_traits>
#include <vector>

namespace standpipe::detail {

template <class T>
concept IsHandler = HandlesMessage<T> || HandlesBatch<T>;
template <class T>
concept Describes = requires(Description& d) {
  T::describe(d);
};

// The first of the classes describes the plugin, and so the options, for both.
template <class... Classes>
struct ExportedPlugin {
  static_assert(((IsHandler<Classes> != Polls<Classes>)&&...),
                "each class is a handler, with handle(const Message&) or handle(Batch&), or a "
                "source, with poll(Poll&)");
  static_assert((IsHandler<Classes> + ... + 0) <= 1 && (Polls<Classes> + ... + 0) <= 1,
                "a plugin has at most one handler and one source");
  using First = std::tuple_element_t<0, std::tuple<Classes...>>;
  static_assert(Describes<First>, "the (first) class needs static void describe(Description&)");

  static const standpipe_plugin* description() {
    static const Static all;
    return &all.description.plugin;
  }

 private:
  struct Static {
    Description description;
    std::vector<standpipe_option> options;
    standpipe_handler handler{};
    standpipe_source source{};
    Static() {
      First::describe(description);
      for (const auto& o : description.options) options.push_back(o.abi());
      fill_plugin();
      (add<Classes>(), ...);
    }
    template <class T>
    void add() {
      auto& p = description.plugin;
      if constexpr (IsHandler<T>) {
        handler = HandlerFunctions<T, ExportedPlugin>::table(description.placement);
        p.handler = &handler;
      } else {
        source = SourceFunctions<T, ExportedPlugin>::table(description.placement);
        p.source = &source;
      }
    }
    // A router of minor version 0 does not look for a source: it would find a plugin without any
    // power, or without the half that a configuration names.
    void fill_plugin() {
      auto& p = description.plugin;
      p.size = sizeof p;
      p.abi_major = STANDPIPE_ABI_MAJOR;
      p.abi_minor = (Polls<Classes> || ...) ? std::uint16_t{1} : description.minor;
      p.options = options.data();
      p.option_count = static_cast<std::uint32_t>(options.size());
      p.option_stride = sizeof(standpipe_option);
    }
  };
};

}  // namespace standpipe::detail
