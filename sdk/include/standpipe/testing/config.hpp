// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/config.hpp: options as a user writes them, and the values that a hub makes of
// them. Part of testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <standpipe/testing/region.hpp>
#include <standpipe/testing/shape.hpp>
#include <standpipe/text.hpp>

namespace standpipe::testing {

// Texts as in YAML: "5s", "64KiB", "true". A list is "[one, two]" and a map "{key: value}", without
// quotes and without nesting.
using Options = std::map<std::string, std::string>;

namespace detail {

[[noreturn]] inline void wrong_option(std::string_view name, const std::string& what) {
  throw std::invalid_argument("option " + std::string(name) + ": " + what);
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// "64KiB", "1.5s"; a bare 0 needs no unit.
inline std::int64_t number_with_unit(std::string_view option, std::string_view text,
                                     std::initializer_list<Unit> units) {
  if (text == "0") return 0;
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error == std::errc() && end == text.data() + digits)
    for (const auto& unit : units)
      if (text.substr(digits) == unit.name)
        return static_cast<std::int64_t>(number * static_cast<double>(unit.factor) + 0.5);
  wrong_option(option, '\'' + std::string(text) + "' is no number with a unit");
}

inline std::int64_t duration_of(std::string_view option, std::string_view text) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return number_with_unit(option, text,
                          {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", kSecond},
                           {"m", 60 * kSecond},
                           {"h", 3'600 * kSecond},
                           {"d", 86'400 * kSecond}});
}

inline std::int64_t size_of(std::string_view option, std::string_view text) {
  return number_with_unit(option, text,
                          {{"B", 1},
                           {"kB", 1'000},
                           {"KB", 1'000},
                           {"MB", 1'000'000},
                           {"GB", 1'000'000'000},
                           {"TB", 1'000'000'000'000},
                           {"KiB", 1ull << 10},
                           {"MiB", 1ull << 20},
                           {"GiB", 1ull << 30},
                           {"TiB", 1ull << 40}});
}

template <class Number>
Number plain_number(std::string_view option, std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    wrong_option(option, '\'' + std::string(text) + "' is no number");
  return number;
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The items between the brackets of a list or a map.
inline std::vector<std::string_view> items_of(std::string_view option, std::string_view text,
                                              char open, char close) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != open || text.back() != close)
    wrong_option(option, std::string("write it in ") + open + ' ' + close);
  text = trimmed(text.substr(1, text.size() - 2));
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    items.push_back(trimmed(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

inline std::string absolute(std::string_view path) {
  if (path.empty() || path.front() == '/') return std::string(path);
  char folder[PATH_MAX];
  if (!::getcwd(folder, sizeof folder)) throw std::runtime_error("there is no working directory");
  return std::string(folder) + '/' + std::string(path);
}

template <class Row>
const Row& row_at(const Row* first, std::size_t i, std::size_t stride) {
  return *reinterpret_cast<const Row*>(reinterpret_cast<const std::uint8_t*>(first) + i * stride);
}

}  // namespace detail

// What create is given. The options are checked as a hub checks them; a mistake in them is the
// test's, and throws std::invalid_argument. Valid as long as the object: the texts, too.
class Config {
 public:
  Config(const standpipe_plugin& plugin, const Options& options, std::string_view instance,
         Shape shape = Shape::today)
      : instance_(instance),
        values_(plugin.option_count * detail::value_bytes(shape)),
        config_(detail::config_bytes(shape)) {
    std::size_t used = 0;
    for (std::uint32_t i = 0; i < plugin.option_count; ++i) {
      const auto& option = detail::row_at(plugin.options, i, plugin.option_stride);
      const auto given = options.find(std::string(standpipe::detail::view(option.name)));
      used += given != options.end();
      write_value(i, value_of(option, given == options.end() ? nullptr : &given->second), shape);
    }
    if (used != options.size())
      throw std::invalid_argument("an option is given that the plugin does not declare");
    write_config(plugin.option_count, shape);
  }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  const standpipe_config* abi() const { return config_.as<const standpipe_config>(); }
  // The call of create is over: what a plugin keeps of the structs, it may not look at.
  void take_back() const {
    values_.take_back();
    config_.take_back();
  }

 private:
  void write_value(std::size_t i, const standpipe_value& value, Shape shape) {
    const auto bytes = detail::value_bytes(shape);
    auto* to = values_.data() + i * bytes;
    std::memset(to, detail::kUnknownByte, bytes);
    std::memcpy(to, &value, sizeof value);
    reinterpret_cast<standpipe_value*>(to)->size = static_cast<std::uint32_t>(bytes);
  }
  void write_config(std::uint32_t count, Shape shape) {
    standpipe_config config{};
    config.size = static_cast<std::uint32_t>(detail::config_bytes(shape));
    config.value_count = count;
    config.value_stride = static_cast<std::uint32_t>(detail::value_bytes(shape));
    config.values = values_.as<const standpipe_value>();
    config.instance = standpipe::detail::abi(instance_);
    std::memset(config_.data(), detail::kUnknownByte, config_.bytes());
    std::memcpy(config_.data(), &config, sizeof config);
  }

  standpipe_string keep(std::string text) {
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return standpipe::detail::abi(*texts_.back());
  }

  standpipe_value value_of(const standpipe_option& option, const std::string* given) {
    const auto name = standpipe::detail::view(option.name);
    standpipe_value value{};
    value.type = option.type;
    if (!given && option.required) detail::wrong_option(name, "it is required");
    if (!given && option.fallback.size == 0) return value;
    const std::string text = given ? *given : std::string(standpipe::detail::view(option.fallback));
    value.is_set = 1;
    set(value, option, name, text);
    check_limits(value, option, name);
    return value;
  }
  void set(standpipe_value& value, const standpipe_option& option, std::string_view name,
           const std::string& text) {
    switch (option.type) {
      case STANDPIPE_INTEGER:
        value.integer = detail::plain_number<std::int64_t>(name, text);
        return;
      case STANDPIPE_FLOAT:
        value.real = detail::plain_number<double>(name, text);
        return;
      case STANDPIPE_BOOLEAN:
        if (text != "true" && text != "false") detail::wrong_option(name, "write true or false");
        value.integer = text == "true";
        return;
      case STANDPIPE_DURATION:
        value.integer = detail::duration_of(name, text);
        return;
      case STANDPIPE_SIZE:
        value.integer = detail::size_of(name, text);
        return;
      case STANDPIPE_ENUM:
        check_choice(option, name, text);
        break;
      case STANDPIPE_PATH:
        value.text = keep(detail::absolute(text));
        return;
      case STANDPIPE_LIST:
      case STANDPIPE_MAP:
        set_items(value, name, text);
        return;
      default:
        break;
    }
    value.text = keep(text);
  }
  void set_items(standpipe_value& value, std::string_view name, const std::string& text) {
    const bool is_map = value.type == STANDPIPE_MAP;
    auto& items = items_.emplace_back(std::make_unique<std::vector<standpipe_item>>());
    for (const auto item : detail::items_of(name, text, is_map ? '{' : '[', is_map ? '}' : ']')) {
      const auto colon = is_map ? item.find(": ") : 0;
      if (colon == std::string_view::npos) detail::wrong_option(name, "an entry is `key: value`");
      if (is_map)
        items->push_back({keep(std::string(detail::trimmed(item.substr(0, colon)))),
                          keep(std::string(detail::trimmed(item.substr(colon + 2))))});
      else
        items->push_back({{}, keep(std::string(item))});
    }
    value.items = items->data();
    value.item_count = static_cast<std::uint32_t>(items->size());
  }
  static void check_choice(const standpipe_option& option, std::string_view name,
                           const std::string& text) {
    for (std::uint32_t i = 0; i < option.choice_count; ++i)
      if (standpipe::detail::view(option.choices[i]) == text) return;
    detail::wrong_option(name, '\'' + text + "' is none of its choices");
  }
  void check_limits(const standpipe_value& value, const standpipe_option& option,
                    std::string_view name) {
    for (const auto* limit : {&option.minimum, &option.maximum}) {
      if (limit->size == 0) continue;
      standpipe_value bound{};
      bound.type = option.type;
      set(bound, option, name, std::string(standpipe::detail::view(*limit)));
      const bool below = value.integer < bound.integer || value.real < bound.real;
      const bool above = value.integer > bound.integer || value.real > bound.real;
      if (limit == &option.minimum ? below : above) detail::wrong_option(name, "out of range");
    }
  }

  std::string instance_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::unique_ptr<std::vector<standpipe_item>>> items_;
  Region values_;
  Region config_;
};

}  // namespace standpipe::testing
