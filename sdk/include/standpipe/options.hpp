// SPDX-License-Identifier: Apache-2.0
//
// standpipe/options.hpp: the options that the configuration gave to an instance. Part of
// plugin.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/host.hpp>
#include <standpipe/text.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace standpipe {

// The checked values of the declared options. Asking for an option that was not declared throws
// std::logic_error.
class Options {
 public:
  Options(const standpipe_config& config, const standpipe_plugin& plugin, Host host)
      : config_(&config), plugin_(&plugin), host_(host) {}
  bool has(std::string_view name) const { return find(name).is_set != 0; }
  std::string text(std::string_view name) const {
    return std::string(detail::view(find(name).text));
  }
  std::int64_t integer(std::string_view name) const { return find(name).integer; }
  std::uint64_t bytes(std::string_view name) const {
    return static_cast<std::uint64_t>(find(name).integer);
  }
  double real(std::string_view name) const { return find(name).real; }
  bool boolean(std::string_view name) const { return find(name).integer != 0; }
  std::chrono::nanoseconds duration(std::string_view name) const {
    return std::chrono::nanoseconds(find(name).integer);
  }
  std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& i : items(name)) out.emplace_back(detail::view(i.text));
    return out;
  }
  std::vector<std::pair<std::string, std::string>> map(std::string_view name) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& i : items(name)) out.emplace_back(detail::view(i.key), detail::view(i.text));
    return out;
  }
  // The handler's name in YAML.
  std::string_view instance() const { return detail::view(config_->instance); }
  Host host() const { return host_; }

 private:
  template <class Row>
  static const Row& row(const Row* first, std::uint32_t i, std::uint32_t stride) {
    const auto* base = reinterpret_cast<const char*>(first);
    return *reinterpret_cast<const Row*>(base + std::size_t{i} * stride);
  }
  const standpipe_value& find(std::string_view name) const {
    for (std::uint32_t i = 0; i < plugin_->option_count && i < config_->value_count; ++i) {
      const auto& option = row(plugin_->options, i, plugin_->option_stride);
      if (detail::view(option.name) == name) return row(config_->values, i, config_->value_stride);
    }
    throw std::logic_error("the plugin asks for an option that it did not declare: " +
                           std::string(name));
  }
  std::span<const standpipe_item> items(std::string_view name) const {
    const auto& v = find(name);
    return {v.items, v.item_count};
  }
  const standpipe_config* config_;
  const standpipe_plugin* plugin_;
  Host host_;
};

}  // namespace standpipe
