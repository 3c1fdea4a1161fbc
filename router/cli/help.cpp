// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <standpipe/plugin.h>

#include <algorithm>

#include "base/text.h"
#include "cli/dispatch.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

std::string label(const Option& option) {
  std::string text = option.letter ? std::string("-") + option.letter + ", " : "    ";
  text += "--" + std::string(option.name);
  if (!option.value.empty()) text += ' ' + std::string(option.value);
  return text;
}

std::string examples_text(const Command& command) {
  std::string text = "Examples:\n";
  for (const auto& e : command.examples)
    text += "  " + std::string(e.line) + "\n      " + std::string(e.what) + '\n';
  return text;
}

std::string options_text(const Command& command) {
  auto options = command.options;
  options.push_back({.name = "help", .letter = 'h', .summary = "this page"});
  std::size_t width = 0;
  for (const auto& o : options) width = std::max(width, label(o).size());
  std::string text = "Options:\n";
  for (const auto& o : options)
    text += "  " + padded(label(o), width) + "  " + std::string(o.summary) + '\n';
  return text;
}

std::string commands_text(std::string_view group) {
  std::string text;
  for (const auto& c : table())
    if (group.empty() || c.name.starts_with(std::string(group) + ' '))
      text += "  " + padded(std::string(c.name), 12) + "  " + std::string(c.summary) + '\n';
  return text;
}

}  // namespace

std::string version_text() {
  return "standpipe " STANDPIPE_VERSION " (plugin ABI " + std::to_string(STANDPIPE_ABI_MAJOR) +
         '.' + std::to_string(STANDPIPE_ABI_MINOR) + ")\n";
}

std::string short_help() {
  return "standpipe " STANDPIPE_VERSION
         ": a local message hub that takes messages from FIFOs and hands them to plugins\n"
         "  standpipe demo              see it at work, in less than a minute\n"
         "  standpipe run orders.yaml   start a hub\n"
         "commands: " +
         joined(first_words(), ", ") +
         "\n"
         "a command's options and examples: standpipe COMMAND --help\n"
         "all commands: standpipe help\n";
}

std::string long_help() {
  return "Examples:\n"
         "  standpipe demo\n"
         "      see it at work, in less than a minute\n"
         "  standpipe run orders.yaml\n"
         "      start a hub\n"
         "  standpipe send /run/standpipe/orders 'a message'\n"
         "      put a message into a hub's FIFO\n"
         "\n"
         "Usage: standpipe COMMAND [options]\n"
         "\n"
         "Commands:\n" +
         commands_text("") +
         "\n"
         "A command's options and examples: standpipe COMMAND --help. The program's version: "
         "standpipe --version.\n"
         "What a configuration may say: standpipe help config.\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.\n"
         "Data goes to standard output and messages to standard error; NO_COLOR turns colours "
         "off.\n";
}

std::string help_for_group(std::string_view group) {
  std::string text = "Examples:\n";
  for (const auto& c : table())
    if (c.name.starts_with(std::string(group) + ' ') && !c.examples.empty())
      text += "  " + std::string(c.examples[0].line) + "\n      " +
              std::string(c.examples[0].what) + '\n';
  return text + "\nCommands:\n" + commands_text(group);
}

std::string usage_of(const Command& command) {
  std::string text = "standpipe " + std::string(command.name);
  for (const auto& o : command.operands) {
    const auto name = std::string(o.name) + (o.repeated ? "..." : "");
    text += o.required ? ' ' + name : " [" + name + ']';
  }
  return text + (command.options.empty() ? "" : " [options]");
}

std::string help_for(const Command& command) {
  return examples_text(command) + "\nUsage: " + usage_of(command) + "\n\n" +
         std::string(command.description) + "\n\n" + options_text(command);
}

}  // namespace standpipe::cli
