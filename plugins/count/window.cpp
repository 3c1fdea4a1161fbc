// SPDX-License-Identifier: Apache-2.0
#include "window.h"

#include <algorithm>
#include <vector>

#include "common/json_scan.h"
#include "common/rfc3339.h"
#include "common/utf8.h"

namespace {

std::string json(const Sum& sum) {
  return "{\"messages\":" + std::to_string(sum.messages) +
         ",\"bytes\":" + std::to_string(sum.bytes) + '}';
}

}  // namespace

void Window::begin(nanoseconds now) {
  from_ = now;
  parts_ = 0;
  total_ = other_ = missing_ = {};
  values_.clear();
}

void Window::begin_part() {
  const auto parts = parts_;
  begin(from_);
  parts_ = parts + 1;
}

void Window::add(std::size_t size, std::optional<std::string_view> value) {
  total_.add(size);
  if (!has_values_) return;
  if (!value) return missing_.add(size);
  if (value->size() > kValueBytesMax) return other_.add(size);
  key_ = *value;
  auto found = values_.find(key_);
  if (found == values_.end()) {
    if (values_.size() >= values_max_ || !common::is_utf8(key_)) return other_.add(size);
    found = values_.emplace(key_, Sum{}).first;
  }
  found->second.add(size);
}

std::string Window::part_until(nanoseconds now, bool is_last) const {
  std::string out =
      "{\"from\":\"" + common::rfc3339(from_) + "\",\"to\":\"" + common::rfc3339(now) + '"';
  if (parts_ > 0 || !is_last) out += ",\"part\":" + std::to_string(parts_ + 1);
  if (parts_ > 0 && is_last) out += ",\"last\":true";
  out += ",\"messages\":" + std::to_string(total_.messages) +
         ",\"bytes\":" + std::to_string(total_.bytes);
  if (has_values_) append_values(out);
  return out + '}';
}

// The most frequent ones first, and those that are as frequent by name: the order hangs on nothing
// else.
void Window::append_values(std::string& out) const {
  std::vector<std::pair<std::string_view, Sum>> sorted(values_.begin(), values_.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.messages != b.second.messages ? a.second.messages > b.second.messages
                                                  : a.first < b.first;
  });
  out += ",\"by\":{";
  for (const auto& [value, sum] : sorted)
    out +=
        (value == sorted.front().first ? "" : ",") + common::json_quoted(value) + ':' + json(sum);
  out += '}';
  if (other_.messages > 0) out += ",\"other\":" + json(other_);
  if (missing_.messages > 0) out += ",\"missing\":" + json(missing_);
}
