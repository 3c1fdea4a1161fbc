// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace standpipe::cli {

struct Command;

// What may stand after an option. Checked when the line is parsed, so that a command finds only
// values that fit.
enum class Kind { flag, text, file, folder, count, size, duration, rate, choice };

struct Option {
  std::string_view name;  // without the dashes
  char letter = 0;        // 0: has none
  Kind kind = Kind::flag;
  std::string_view value = {};  // how help calls it: "N"
  std::string_view summary = {};
  std::vector<std::string_view> choices = {};
  bool repeatable = false;
};

struct Operand {
  std::string_view name;  // "CONFIG"
  bool required = true;
  bool repeated = false;  // only the last one
  Kind kind = Kind::file;
  std::vector<std::string_view> choices = {};
};

// A command's line, parsed and checked against its row of the table; the only place that sees
// Boost.ProgramOptions.
class Arguments {
 public:
  // `words` are those after the command's name. Throws WrongUsage: what is mistyped, missing or of
  // the wrong type, and what was probably meant.
  Arguments(const Command& command, std::span<const std::string> words);

  bool wants_help() const { return has("help"); }
  bool has(std::string_view option) const { return values_.contains(option); }
  std::optional<std::string> text(std::string_view option) const;
  std::vector<std::string> texts(std::string_view option) const;
  std::optional<std::uint64_t> count(std::string_view option) const;
  std::optional<std::uint64_t> size(std::string_view option) const;
  std::optional<Nanoseconds> duration(std::string_view option) const;
  std::optional<double> rate(std::string_view option) const;  // a second
  const std::vector<std::string>& operands() const { return operands_; }

 private:
  void parse(const Command& command, std::span<const std::string> words);
  void check(const Command& command) const;

  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> operands_;
};

}  // namespace standpipe::cli
