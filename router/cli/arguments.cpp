// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "base/text.h"
#include "cli/command.h"

namespace standpipe::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kOperands = "operands";

std::string dashed(std::string_view name) { return "--" + std::string(name); }

std::string see_help(const Command& command) {
  return "standpipe " + std::string(command.name) + " --help";
}

po::options_description described(const Command& command) {
  po::options_description all;
  all.add_options()("help,h", "")(kOperands, po::value<std::vector<std::string>>());
  for (const auto& o : command.options) {
    const auto name = std::string(o.name) + (o.letter ? std::string(",") + o.letter : "");
    if (o.kind == Kind::flag)
      all.add_options()(name.c_str(), "");
    else if (o.repeatable)
      all.add_options()(name.c_str(), po::value<std::vector<std::string>>());
    else
      all.add_options()(name.c_str(), po::value<std::string>());
  }
  return all;
}

// ---- Boost's exceptions in our words

WrongUsage unknown_option(const Command& command, const std::string& given) {
  std::vector<std::string> known = {"--help"};
  for (const auto& o : command.options) known.push_back(dashed(o.name));
  const auto name = given.substr(0, given.find('='));
  const bool takes_texts = !command.operands.empty() && command.operands.back().kind == Kind::text;
  const auto what = "unknown option " + quoted(name) + " for " + std::string(command.name);
  if (const auto near = nearest(name, known))
    return WrongUsage(what, "did you mean '" + *near + "'?");
  if (takes_texts)
    return WrongUsage(
        what, "is it a message? write -- before the messages; or see: " + see_help(command));
  return WrongUsage(what, "options: " + joined(known, ", "));
}

WrongUsage wrong_syntax(const Command& command, const po::invalid_command_line_syntax& e) {
  using Kinds = po::invalid_command_line_syntax;
  const auto option = e.get_option_name();
  switch (e.kind()) {
    case Kinds::missing_parameter:
    case Kinds::empty_adjacent_parameter:
      for (const auto& o : command.options)
        if (option == dashed(o.name) || (o.letter && option == std::string("-") + o.letter))
          return WrongUsage(
              "option " + quoted(option) + " wants a value",
              "write " + option + ' ' + std::string(o.value) + "; see: " + see_help(command));
      return WrongUsage("option " + quoted(option) + " wants a value", see_help(command));
    case Kinds::extra_parameter:
      return WrongUsage("option " + quoted(option) + " takes no value", "write just " + option);
    default:
      return WrongUsage("cannot understand " + quoted(option), see_help(command));
  }
}

// ---- values of the wrong type

std::optional<double> parse_rate(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  text.remove_suffix(2);
  const double factor = text.ends_with('k') ? 1000 : text.ends_with('M') ? 1'000'000 : 1;
  if (factor > 1) text.remove_suffix(1);
  const auto number = parse_float(text);
  if (!number || *number <= 0 || *number * factor > 1e9) return std::nullopt;
  return *number * factor;
}

bool is_number(std::string_view text) { return parse_float(text).has_value(); }

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

WrongUsage wants(const std::string& what, const std::string& wanted, const std::string& given,
                 const std::string& help) {
  return WrongUsage(what + " wants " + wanted + ", not " + quoted(given), help);
}

void check_choice(const std::string& what, const std::vector<std::string_view>& choices,
                  const std::string& given) {
  const auto known = strings(choices);
  if (std::find(known.begin(), known.end(), given) != known.end()) return;
  const auto near = nearest(given, known);
  throw wants(what, "one of " + joined(known, ", "), given,
              near ? "did you mean '" + *near + "'?" : "");
}

void check_value(const Option& option, const std::string& given) {
  const auto what = dashed(option.name);
  switch (option.kind) {
    case Kind::count:
      if (const auto n = parse_integer(given); !n || *n < 1)
        throw wants(what, "a whole number from 1", given, "e.g. " + what + " 10");
      return;
    case Kind::size:
      if (!parse_size(given))
        throw wants(what, is_number(given) ? "a size with its unit" : "a size", given,
                    is_number(given) ? "write " + given + "B, " + given + "KiB, " + given + "MiB"
                                     : "e.g. " + what + " 16MiB");
      return;
    case Kind::duration:
      if (!parse_duration(given))
        throw wants(what, is_number(given) ? "a duration with its unit" : "a duration", given,
                    is_number(given) ? "write " + given + "s, " + given + "ms, " + given + "m"
                                     : "e.g. " + what + " 5s");
      return;
    case Kind::rate:
      if (!parse_rate(given))
        throw wants(what, "a number a second", given,
                    is_number(given) ? "write " + given + "/s"
                                     : "e.g. " + what + " 100/s, " + what + " 20k/s");
      return;
    case Kind::choice:
      return check_choice(what, option.choices, given);
    default:
      if (given.empty()) throw WrongUsage("option '" + what + "' wants a value that is not empty");
  }
}

}  // namespace

Arguments::Arguments(const Command& command, std::span<const std::string> words) {
  parse(command, words);
  if (!wants_help()) check(command);
}

void Arguments::parse(const Command& command, std::span<const std::string> words) try {
  const auto known = described(command);
  po::positional_options_description rest;
  rest.add(kOperands, -1);
  const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  const auto parsed = po::command_line_parser(std::vector<std::string>(words.begin(), words.end()))
                          .options(known)
                          .positional(rest)
                          .style(style)
                          .run();
  po::variables_map checked;  // storing is what finds an option that was given twice
  po::store(parsed, checked);
  for (const auto& o : parsed.options) {
    auto& into = o.string_key == kOperands ? operands_ : values_[o.string_key];
    into.insert(into.end(), o.value.begin(), o.value.end());
  }
} catch (const po::unknown_option& e) {
  throw unknown_option(command, e.get_option_name());
} catch (const po::invalid_command_line_syntax& e) {
  throw wrong_syntax(command, e);
} catch (const po::multiple_occurrences& e) {
  throw WrongUsage("option " + quoted(e.get_option_name()) + " is given twice", "leave one out");
} catch (const po::error& e) {
  throw WrongUsage(e.what(), see_help(command));
}

void Arguments::check(const Command& command) const {
  for (const auto& o : command.options)
    if (const auto given = values_.find(o.name); given != values_.end())
      for (const auto& value : given->second) check_value(o, value);
  for (std::size_t i = 0; i < command.operands.size(); ++i) {
    const auto& operand = command.operands[i];
    if (i >= operands_.size()) {
      if (operand.required)
        throw WrongUsage(std::string(command.name) +
                             (operand.name.starts_with('I') ? " needs an " : " needs a ") +
                             std::string(operand.name),
                         "see: " + see_help(command));
      continue;
    }
    if (operand.kind == Kind::choice)
      check_choice(std::string(operand.name), operand.choices, operands_[i]);
    if (operand.kind == Kind::file && operands_[i].empty())
      throw WrongUsage(std::string(operand.name) + " is an empty text",
                       "is a variable of the shell not set?");
  }
  const bool takes_more = !command.operands.empty() && command.operands.back().repeated;
  if (!takes_more && operands_.size() > command.operands.size())
    throw WrongUsage(std::string(command.name) + " does not know what to do with " +
                         quoted(operands_[command.operands.size()]),
                     "see: " + see_help(command));
}

std::optional<std::string> Arguments::text(std::string_view option) const {
  const auto found = values_.find(option);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::texts(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::uint64_t> Arguments::count(std::string_view option) const {
  if (const auto t = text(option)) return static_cast<std::uint64_t>(*parse_integer(*t));
  return std::nullopt;
}

std::optional<std::uint64_t> Arguments::size(std::string_view option) const {
  if (const auto t = text(option)) return parse_size(*t);
  return std::nullopt;
}

std::optional<Nanoseconds> Arguments::duration(std::string_view option) const {
  if (const auto t = text(option)) return parse_duration(*t);
  return std::nullopt;
}

std::optional<double> Arguments::rate(std::string_view option) const {
  if (const auto t = text(option)) return parse_rate(*t);
  return std::nullopt;
}

}  // namespace standpipe::cli
