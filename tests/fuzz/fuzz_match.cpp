// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes matching: the bytes up to the first newline make routes, the rest is a payload. Whatever
// both are, rules one by one, the compiled matcher and explain agree; and what is JSON for one of
// us is JSON for the other.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agreement.h"
#include "match/json.h"
#include "match/number.h"
#include "random_routes.h"

using namespace standpipe::match;

namespace {

constexpr std::uint64_t kMatchMax = 2000;

void check(bool holds) {
  if (!holds) std::abort();
}

// Throws what the bytes say, and 0 when they are used up.
struct Bytes {
  std::string_view left;
  std::size_t operator()(std::size_t below) {
    if (left.empty()) return 0;
    const auto byte = static_cast<unsigned char>(left[0]);
    left.remove_prefix(1);
    return byte % below;
  }
};

void check_json(std::string_view text) {
  Json json;
  const auto verdict = json.parse(text);
  const auto error = find_json_error(text);
  check(error <= text.size());
  if (verdict == Json::Verdict::good) check(error == text.size());
  std::string rewritten;
  LargeNumbers large;
  const bool has_large = large.replace(text, rewritten);
  if (has_large)
    check((find_json_error(rewritten) == rewritten.size()) == (error == text.size()));
  else
    check(rewritten == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto newline = std::min(text.find('\n'), text.size());
  const auto payload = text.substr(std::min(newline + 1, text.size()));
  Bytes dice{text.substr(0, newline)};
  RandomRoutes random(dice);
  const auto routes = random.routes();
  const auto meta = random.meta();
  const Message message{bytes(payload), meta};
  const auto expected = by_rules(routes, message, kMatchMax);
  check(by_matcher(Matcher(0, routes, {}, {}, kMatchMax), message) == expected);
  check(by_explanation(routes, message, kMatchMax) == expected);
  check_json(payload);
  return 0;
}
