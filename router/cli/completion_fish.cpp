// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/dispatch.h"

namespace standpipe::cli {
namespace {

std::string fish_text(std::string_view text) {
  std::string all = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') all += '\\';
    all += c;
  }
  return all + '\'';
}

// A condition: the line begins with these words, and nothing but options follows where `ends`.
std::string fish_after(std::string_view words, bool ends = false) {
  return " -n \"__standpipe_after " + std::string(ends ? "end " : "any ") + std::string(words) +
         '"';
}

std::string fish_rule(const std::string& condition, const std::string& rest) {
  return "complete -c standpipe" + condition + rest + '\n';
}

std::string fish_words(const std::vector<std::string_view>& choices) {
  return fish_text(joined(std::vector<std::string>(choices.begin(), choices.end()), " "));
}

std::string fish_value(const Option& o) {
  if (o.kind == Kind::flag) return {};
  if (o.kind == Kind::file) return " -r -F";
  if (o.kind == Kind::folder) return " -x -a '(__fish_complete_directories)'";
  return o.kind == Kind::choice ? " -x -a " + fish_words(o.choices) : " -x";
}

std::string fish_command(const Command& command) {
  const auto condition = fish_after(command.name);
  auto text = fish_rule(condition, " -s h -l help -d 'its page'");
  for (const auto& o : command.options) {
    const auto letter = o.letter ? std::string(" -s ") + o.letter : std::string();
    text += fish_rule(condition, letter + " -l " + std::string(o.name) + fish_value(o) + " -d " +
                                     fish_text(o.summary));
  }
  if (command.operands.empty()) return text;
  const auto& first = command.operands[0];
  if (first.kind == Kind::file) text += fish_rule(fish_after(command.name, true), " -F");
  if (first.kind == Kind::choice)
    text += fish_rule(fish_after(command.name, true), " -a " + fish_words(first.choices));
  if (command.name == "help")
    text +=
        fish_rule(fish_after(command.name, true), " -a " + fish_text(joined(first_words(), " ")));
  return text;
}

std::string fish_choice(const std::vector<std::string>& words, const std::string& before) {
  std::string text;
  for (const auto& word : words) {
    std::string_view summary = "its commands";
    for (const auto& c : table())
      if (c.name == before + word) summary = c.summary;
    text += fish_rule(fish_after(before, true), " -a " + word + " -d " + fish_text(summary));
  }
  return text;
}

// The words of the line so far, without options, are these; `end` wants no more of them.
constexpr const char* kFishFunction =
    "function __standpipe_after\n"
    "    set -l words (commandline -opc)[2..-1]\n"
    "    set words (string match -v -- '-*' $words)\n"
    "    set -l how $argv[1]\n"
    "    set -l wanted $argv[2..-1]\n"
    "    test (count $words) -ge (count $wanted); or return 1\n"
    "    test $how = any -o (count $words) -eq (count $wanted); or return 1\n"
    "    test (count $wanted) -eq 0; and return 0\n"
    "    test \"$words[1..\"(count $wanted)\"]\" = \"$wanted\"\n"
    "end\n";

}  // namespace

std::string fish_script() {
  auto text = "# Made by: standpipe completion fish\n" + std::string(kFishFunction) +
              "complete -c standpipe -f\n" + fish_choice(first_words(), "");
  for (const auto& word : first_words())
    if (const auto second = second_words(word); !second.empty())
      text += fish_choice(second, word + ' ');
  for (const auto& c : table()) text += fish_command(c);
  return text;
}

}  // namespace standpipe::cli
