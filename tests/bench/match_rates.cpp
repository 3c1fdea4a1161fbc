// SPDX-License-Identifier: Apache-2.0
//
// What matching alone costs one core: bench_match SECONDS. Prints lines of two columns: how many
// routes of a kind on how large a payload, and messages a second (different ones, so that no branch
// is learnt by heart); then how long single messages take that were made to take long.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "match/matcher.h"
#include "match/rule.h"

using namespace standpipe::match;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kMessages = 4096;

std::string number(std::size_t i) { return std::to_string(100'000 + i); }
std::string padded(std::string text, std::size_t bytes) {
  for (std::size_t i = 0; text.size() < bytes; ++i)
    text += static_cast<char>('a' + (i * 7 + text.size()) % 26);
  return text;
}

// An order of about 300 bytes, as a shop would send it.
std::string order(std::size_t i) {
  return padded(
             R"({"type":")" + std::string(i % 3 ? "order" : "return") + R"(","id":)" + number(i) +
                 R"(,"customer":{"name":"Customer )" + number(i * 7) +
                 R"(","country":"NO","vip":false},"amount":)" + std::to_string(i % 5000) +
                 R"(.50,"currency":"EUR","lines":[{"sku":"A-100","count":2},{"sku":"B-7","count":1}],)"
                 R"("time":"2024-05-01T12:00:00Z","note":")",
             298) +
         "\"}";
}

RouteOptions route(Rule rule, std::size_t handler) { return {"", {0}, std::move(rule), {handler}}; }

Rule pattern(const std::string& pattern) {
  return {.conditions = {{.subject = Subject::text,
                          .op = Op::regex,
                          .operands = {Operand(Value::string(pattern))},
                          .regex = Regex::compile(pattern).regex}}};
}

struct Work {
  const char* name;
  std::size_t routes, bytes;
  std::function<Rule(std::size_t)> rule;
  std::function<std::string(std::size_t)> message;
};

double rate(const Work& work, double seconds) {
  std::vector<RouteOptions> routes;
  for (std::size_t i = 0; i < work.routes; ++i) routes.push_back(route(work.rule(i), i % 8));
  const Matcher matcher(0, routes, {});
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < kMessages; ++i)
    messages.push_back(work.message(i * 2654435761 % 10007));
  std::vector<std::uint64_t> set(matcher.words());
  std::size_t done = 0, wanted = 0;
  const auto begin = SteadyClock::now();
  for (;;) {
    for (const auto& m : messages)
      wanted += matcher.match({std::as_bytes(std::span(m.data(), m.size()))}, set);
    done += messages.size();
    const std::chrono::duration<double> took = SteadyClock::now() - begin;
    if (took.count() < seconds) continue;
    if (wanted == 0) std::exit(3);
    return static_cast<double>(done) / took.count();
  }
}

std::vector<Work> works() {
  const auto plain = [](std::size_t i) {
    return padded("device-" + number(i) + " ", 127) + static_cast<char>('a' + i % 26);
  };
  const auto prefix = [](std::size_t i) { return text_rule(Op::prefix, "device-" + number(i)); };
  const auto id = [](std::size_t i) {
    return json_rule("/id", Op::eq, Value::natural(100'000 + i));
  };
  const auto field = [](std::size_t i) {
    static constexpr const char* kPointers[] = {"/type", "/customer/country", "/currency",
                                                "/lines/0/sku", "/time"};
    return i % 2 ? json_rule("/amount", Op::gte, Value::natural(i * 1000))
                 : json_rule(kPointers[i / 2 % 5], Op::eq, Value::string("order"));
  };
  std::vector<Work> all;
  all.push_back({"without a condition", 1, 128, [](std::size_t) { return Rule(); }, plain});
  for (const std::size_t n : {1, 10, 100, 1000}) all.push_back({"prefix", n, 128, prefix, plain});
  for (const std::size_t n : {1, 10})
    all.push_back({"suffix", n, 128,
                   [](std::size_t i) {
                     return text_rule(Op::suffix, std::string(1, static_cast<char>('a' + i)));
                   },
                   plain});
  for (const std::size_t n : {10, 1000}) all.push_back({"JSON equality", n, 300, id, order});
  all.push_back({"JSON fields", 10, 300, field, order});
  all.push_back({"regex", 1, 128, [](std::size_t) { return pattern("-1[0-9]+5 [a-z]"); }, plain});
  for (const std::size_t n : {10, 100})
    all.push_back(
        {"regex", n, 128,
         [](std::size_t i) { return pattern("device-[0-9]*" + std::to_string(i) + " [a-z]"); },
         plain});
  return all;
}

// ---- how long one message may hold the loop up

struct Hostile {
  const char* name;
  Rule rule;
  std::string payload;
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (; times > 0; --times) all += text;
  return all;
}

std::vector<Hostile> hostiles() {
  const auto exists = json_rule("/a", Op::exists, Value::boolean(true));
  constexpr std::size_t kMiB = 1 << 20;
  std::string random;
  for (std::uint32_t i = 0, x = 1; i < kMiB; ++i) {
    x = x * 1664525 + 1013904223;
    random += x >> 31 ? 'a' : 'b';
  }
  std::vector<Hostile> all;
  all.push_back({"JSON nested 100,000 deep", exists, std::string(100'000, '[')});
  all.push_back(
      {"a JSON document of 1 MiB", exists, "[" + repeated("{\"a\":1},", kMiB / 8) + "1]"});
  all.push_back({"numbers of 1,000 digits, 1 MiB", exists,
                 "[" + repeated(std::string(1000, '9') + ",", kMiB / 1001) + "1]"});
  all.push_back({"a key 100,000 times", exists, "{" + repeated("\"a\":1,", 100'000) + "\"a\":1}"});
  all.push_back({"pattern (a+)+$b, 1 MiB", pattern("(a+)+$b"), std::string(kMiB, 'a')});
  all.push_back({"pattern (a+)+$b, 16 MiB", pattern("(a+)+$b"), std::string(16 * kMiB, 'a')});
  all.push_back({"pattern a[ab]{200}c, which outgrows its memory, 1 MiB", pattern("a[ab]{200}c"),
                 std::move(random)});
  return all;
}

double longest(const Hostile& hostile) {
  const std::vector<RouteOptions> routes{route(hostile.rule, 0)};
  const Matcher matcher(0, routes, {}, {}, standpipe::kMatchMaxMost);
  std::uint64_t set = 0;
  double most = 0;
  for (int i = 0; i < 3; ++i) {
    const auto begin = SteadyClock::now();
    matcher.match({std::as_bytes(std::span(hostile.payload))}, {&set, 1});
    const std::chrono::duration<double, std::milli> took = SteadyClock::now() - begin;
    most = std::max(most, took.count());
  }
  return most;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  for (const auto& work : works())
    std::printf("%zu x %s, %zu B\t%.2f M messages/s\n", work.routes, work.name, work.bytes,
                rate(work, seconds) / 1e6);
  for (const auto& hostile : hostiles())
    std::printf("one message: %s\t%.1f ms\n", hostile.name, longest(hostile));
}
