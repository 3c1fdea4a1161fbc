// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct Sum {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  void add(std::size_t size) {
    ++messages;
    bytes += size;
  }
  bool operator==(const Sum&) const = default;
};

// What was counted from one time to another, in total and by a value, of which it knows so many at
// most: what comes with another one then is "other". A window may be told in several parts.
class Window {
 public:
  using nanoseconds = std::chrono::nanoseconds;
  static constexpr std::size_t kValueBytesMax = 256;

  Window(bool has_values, std::size_t values_max)
      : has_values_(has_values), values_max_(values_max) {}
  void begin(nanoseconds now);
  // `value`: nullopt: the message has none.
  void add(std::size_t size, std::optional<std::string_view> value);
  // The part from the last one on, as JSON, which then begins anew.
  std::string part_until(nanoseconds now, bool is_last) const;
  void begin_part();

  const Sum& total() const { return total_; }
  bool is_empty() const { return parts_ == 0 && total_.messages == 0; }

 private:
  void append_values(std::string& out) const;

  bool has_values_;
  std::size_t values_max_;
  nanoseconds from_{0};
  unsigned parts_ = 0;  // that were told
  Sum total_, other_, missing_;
  std::unordered_map<std::string, Sum> values_;
  std::string key_;
};
