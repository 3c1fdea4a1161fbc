// SPDX-License-Identifier: Apache-2.0
#include "match/regex.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "match/pattern_choices.h"

namespace standpipe::match {
namespace {

re2::RE2::Options options(std::size_t bytes_max) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(static_cast<std::int64_t>(bytes_max));
  options.set_never_capture(true);
  return options;
}

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> program)
    : program_(std::move(program)), choices_(choices_in(program_->pattern())) {
  // A pattern for the end of a text is tried backwards.
  const auto size = may_be_slow()
                        ? std::max(program_->ProgramSize(), program_->ReverseProgramSize())
                        : program_->ProgramSize();
  steps_ = static_cast<std::uint64_t>(std::max(size, 1));
}
Regex::~Regex() = default;

Regex::Compiled Regex::compile(const std::string& pattern, std::size_t bytes_max) {
  if (pattern.size() > kPatternBytesMax) return {nullptr, "pattern too long"};
  auto program = std::make_unique<re2::RE2>(pattern, options(bytes_max));
  if (!program->ok()) return {nullptr, program->error()};
  return {std::shared_ptr<const Regex>(new Regex(std::move(program)))};
}

bool Regex::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *program_);
}

const std::string& Regex::pattern() const { return program_->pattern(); }

struct RegexSet::Program {
  explicit Program(std::size_t bytes_max) : set(options(bytes_max), re2::RE2::UNANCHORED) {}
  re2::RE2::Set set;
};

RegexSet::RegexSet(std::unique_ptr<Program> program, std::uint64_t bytes_max)
    : program_(std::move(program)), bytes_max_(bytes_max) {}
RegexSet::~RegexSet() = default;

std::unique_ptr<RegexSet> RegexSet::make(const std::vector<const Regex*>& patterns,
                                         std::size_t bytes_max) {
  if (bytes_max == 0) return nullptr;
  auto program = std::make_unique<Program>(bytes_max);
  std::size_t choices = 0;
  std::uint64_t steps = 0;
  for (const auto* pattern : patterns) {
    if (program->set.Add(pattern->pattern(), nullptr) < 0) return nullptr;
    choices += pattern->choices();
    steps += pattern->steps();
  }
  if (!program->set.Compile()) return nullptr;
  const auto text_max = choices <= kRegexChoicesMax
                            ? UINT64_MAX
                            : kRegexSetStepsMax / std::max<std::uint64_t>(steps, 1);
  return std::unique_ptr<RegexSet>(new RegexSet(std::move(program), text_max));
}

bool RegexSet::find(std::string_view text, std::vector<int>& found) const {
  if (!affords(text.size())) return false;
  re2::RE2::Set::ErrorInfo error{};
  found.clear();
  const re2::StringPiece piece(text.data(), text.size());
  return program_->set.Match(piece, &found, &error) || error.kind == re2::RE2::Set::kNoError;
}

Regex::Compiled RegexCache::compile(const std::string& pattern) {
  const auto known = compiled_.find(pattern);
  if (known != compiled_.end()) return known->second;
  if (compiled_.size() >= kPatternsMax)
    return {nullptr, "more than " + std::to_string(kPatternsMax) + " different patterns"};
  const auto bytes = compiled_.size() < kRegexFew ? kRegexBytesMax : kRegexBytesOfMany;
  return compiled_.emplace(pattern, Regex::compile(pattern, bytes)).first->second;
}

}  // namespace standpipe::match
