// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}  // namespace re2

namespace standpipe::match {

// RE2 finds a pattern by an automaton whose states it makes as a text asks for them: a nanosecond
// or two a byte. Its memory is bounded (max_mem). Where a text asks for more states than fit, RE2
// forgets them, or takes a way on which each byte costs a step for each instruction of the pattern,
// 10 to 20 ns each. That is linear, too, but a thousand times slower. So a pattern that leaves many
// choices open may be *slow*, and slow patterns are not tried on long texts (pattern_cost.h).
constexpr std::size_t kRegexChoicesMax = 8;  // more: it may be slow

// Of one pattern; the many of a configuration get less each, so that all have 240 MiB at most.
constexpr std::size_t kRegexBytesMax = std::size_t{1} << 20;
constexpr std::size_t kRegexBytesOfMany = kRegexBytesMax / 8;
constexpr std::size_t kRegexFew = 128;
constexpr std::size_t kPatternBytesMax = std::size_t{16} << 10;  // of a pattern as written
constexpr std::size_t kPatternsMax = 1000;  // different ones in a configuration

// Of one set of patterns, and of all sets of a configuration. What does not fit is tried one by
// one.
constexpr std::size_t kRegexSetBytesMax = std::size_t{16} << 20;
constexpr std::size_t kRegexSetsBytesMax = std::size_t{64} << 20;
// A set has an automaton only, and goes on however slow that is: 20 to 40 ns a step. So a set that
// may be slow is asked only where this bounds it.
constexpr std::uint64_t kRegexSetStepsMax = std::uint64_t{1} << 24;

// A regular expression of RE2's syntax: its time is linear in the text, whatever the pattern. It
// may match anywhere in a text. Text is UTF-8; a byte that is not matches only \C. Any thread.
class Regex {
 public:
  struct Compiled;
  static Compiled compile(const std::string& pattern, std::size_t bytes_max = kRegexBytesMax);
  ~Regex();

  bool found_in(std::string_view text) const;
  const std::string& pattern() const;
  std::size_t choices() const { return choices_; }
  bool may_be_slow() const { return choices_ > kRegexChoicesMax; }
  std::uint64_t steps() const { return steps_; }  // that a byte may cost

 private:
  explicit Regex(std::unique_ptr<re2::RE2> program);
  std::unique_ptr<re2::RE2> program_;
  std::size_t choices_;
  std::uint64_t steps_;
};

struct Regex::Compiled {
  std::shared_ptr<const Regex> regex;  // nothing: the pattern is no good
  std::string problem = {};            // RE2's words
};

// The memory that is left for the sets of a configuration.
class RegexMemory {
 public:
  std::size_t take() {
    const auto bytes = left_ < kRegexSetBytesMax ? left_ : kRegexSetBytesMax;
    left_ -= bytes;
    return bytes;
  }

 private:
  std::size_t left_ = kRegexSetsBytesMax;
};

// Many patterns that are looked for in one pass over a text. Any thread.
class RegexSet {
 public:
  // nullptr: together they are too large for that memory.
  static std::unique_ptr<RegexSet> make(const std::vector<const Regex*>& patterns,
                                        std::size_t bytes_max);
  ~RegexSet();

  // The numbers of the patterns that match, in any order. false: it could not tell, or it might
  // take too long; ask each.
  bool find(std::string_view text, std::vector<int>& found) const;
  bool affords(std::size_t bytes) const { return bytes <= bytes_max_; }

 private:
  struct Program;
  RegexSet(std::unique_ptr<Program> program, std::uint64_t bytes_max);
  std::unique_ptr<Program> program_;
  std::uint64_t bytes_max_;  // of a text
};

// Compiles each pattern once, and so many at most.
class RegexCache {
 public:
  Regex::Compiled compile(const std::string& pattern);

 private:
  std::map<std::string, Regex::Compiled> compiled_;
};

}  // namespace standpipe::match
