// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/dispatch.h"

namespace standpipe::cli {
namespace {

// Within '...', and where a colon or a bracket would end it.
std::string zsh_text(std::string_view text) {
  std::string all;
  for (const char c : text) {
    if (c == '\'') {
      all += "'\\''";
      continue;
    }
    if (c == ':' || c == '[' || c == ']' || c == '\\') all += '\\';
    all += c;
  }
  return all;
}

std::string zsh_function(std::string_view words) {
  auto name = "_standpipe_" + std::string(words);
  std::ranges::replace(name, ' ', '_');
  return name;
}

// What may stand there, in the words of _arguments.
std::string zsh_action(Kind kind, const std::vector<std::string_view>& choices) {
  if (kind == Kind::file) return "_files";
  if (kind == Kind::folder) return "_files -/";
  if (kind != Kind::choice) return " ";
  return '(' + joined(std::vector<std::string>(choices.begin(), choices.end()), " ") + ')';
}

std::string zsh_option(const Option& o) {
  const auto name = "--" + std::string(o.name);
  const auto value =
      o.kind == Kind::flag ? "" : ':' + zsh_text(o.value) + ':' + zsh_action(o.kind, o.choices);
  const auto rest = '[' + zsh_text(o.summary) + ']' + value + '\'';
  if (!o.letter) return (o.repeatable ? "'*" : "'") + name + rest;
  const auto letter = std::string("-") + o.letter;
  const auto first = o.repeatable ? "'*'" : "'(" + letter + ' ' + name + ")'";
  return first + '{' + letter + ',' + name + "}'" + rest;
}

std::string zsh_operand(const Command& command, const Operand& o) {
  const auto action = command.name == "help" ? '(' + joined(first_words(), " ") + ')'
                                             : zsh_action(o.kind, o.choices);
  return (o.repeated ? "'*:" : o.required ? "':" : "'::") + zsh_text(o.name) + ':' + action + '\'';
}

std::string zsh_command(const Command& command) {
  auto text = zsh_function(command.name) + "() {\n  _arguments -s '(-h --help)'{-h,--help}'[help]'";
  for (const auto& o : command.options) text += " \\\n    " + zsh_option(o);
  for (const auto& o : command.operands) text += " \\\n    " + zsh_operand(command, o);
  return text + "\n}\n";
}

// A word of the commands' names, and the function for what follows it.
std::string zsh_choice(const std::string& function, const std::vector<std::string>& words,
                       const std::string& before) {
  auto text = function + "() {\n  local state line\n  local -a known=(\n";
  for (const auto& word : words) {
    std::string_view summary = "its commands";
    for (const auto& c : table())
      if (c.name == before + word) summary = c.summary;
    text += "    '" + word + ':' + zsh_text(summary) + "'\n";
  }
  text += "  )\n  _arguments -C '1: :->command' '*:: :->rest'\n  case $state in\n";
  text += "    command) _describe command known ;;\n    rest)\n      case $line[1] in\n";
  for (const auto& word : words)
    text += "        " + word + ") " + zsh_function(before + word) + " ;;\n";
  return text + "      esac ;;\n  esac\n}\n";
}

}  // namespace

std::string zsh_script() {
  std::string text = "#compdef standpipe\n# Made by: standpipe completion zsh\n";
  for (const auto& c : table()) text += zsh_command(c);
  for (const auto& word : first_words())
    if (const auto second = second_words(word); !second.empty())
      text += zsh_choice(zsh_function(word), second, word + ' ');
  text += zsh_choice("_standpipe", first_words(), "");
  // As a file of $fpath it is the function's body, when it is loaded first; sourced, it registers.
  return text +
         "if [ \"$funcstack[1]\" = _standpipe ]; then _standpipe \"$@\"; "
         "else compdef _standpipe standpipe; fi\n";
}

}  // namespace standpipe::cli
