// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/dispatch.h"

namespace standpipe::cli {
namespace {

std::string option_words(const Command& command) {
  std::string words = "--help";
  for (const auto& o : command.options) words += " --" + std::string(o.name);
  return words;
}

std::string words_of(const std::vector<std::string_view>& choices) {
  return joined(std::vector<std::string>(choices.begin(), choices.end()), " ");
}

// One `case` arm: what may follow an option, and what may stand anywhere else.
std::string arm(const Command& command) {
  std::string values;
  for (const auto& o : command.options) {
    if (o.kind == Kind::choice)
      values += "        --" + std::string(o.name) + ") words='" + words_of(o.choices) + "' ;;\n";
    if (o.kind == Kind::file) values += "        --" + std::string(o.name) + ") files=1 ;;\n";
    if (o.kind == Kind::folder) values += "        --" + std::string(o.name) + ") folders=1 ;;\n";
    if (o.kind != Kind::choice && o.kind != Kind::file && o.kind != Kind::folder &&
        o.kind != Kind::flag)
      values += "        --" + std::string(o.name) + ") return ;;\n";
  }
  const bool takes_file = !command.operands.empty() && command.operands[0].kind == Kind::file;
  const bool takes_choice = !command.operands.empty() && command.operands[0].kind == Kind::choice;
  auto words = takes_choice ? words_of(command.operands[0].choices) + ' ' : std::string();
  if (command.name == "help") words = joined(first_words(), " ") + ' ';
  return "    '" + std::string(command.name) + "')\n      case $before in\n" + values +
         "        *) words='" + words + option_words(command) + "'" +
         (takes_file ? "; files=1" : "") + " ;;\n      esac ;;\n";
}

std::string bash_script() {
  std::string groups, arms;
  for (const auto& word : first_words())
    if (const auto second = second_words(word); !second.empty())
      groups += "    '" + word + "') words='" + joined(second, " ") + "' ;;\n";
  for (const auto& c : table()) arms += arm(c);
  return "# bash completion for standpipe; load it with: source <(standpipe completion bash)\n"
         "_standpipe() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= "
         "files= folders= command\n"
         "  COMPREPLY=()\n"
         "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         joined(first_words(), " ") +
         " --help --version' -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  command=${COMP_WORDS[1]}\n"
         "  if [[ $COMP_CWORD -gt 2 && $command == @(" +
         [] {
           std::vector<std::string> names;
           for (const auto& word : first_words())
             if (!second_words(word).empty()) names.push_back(word);
           return joined(names, "|");
         }() +
         ") ]]; then command+=\" ${COMP_WORDS[2]}\"; fi\n"
         "  case $command in\n" +
         groups + arms +
         "  esac\n"
         "  compopt -o filenames 2>/dev/null\n"
         "  [[ -n $words ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  [[ -n $files ]] && COMPREPLY+=($(compgen -f -- \"$current\"))\n"
         "  [[ -n $folders ]] && COMPREPLY+=($(compgen -d -- \"$current\"))\n"
         "}\n"
         "complete -F _standpipe standpipe\n";
}

Status complete(const Arguments& arguments, Streams& streams) {
  const auto& shell = arguments.operands()[0];
  streams.out.write(shell == "zsh"    ? zsh_script()
                    : shell == "fish" ? fish_script()
                                      : bash_script());
  return Status::done;
}

}  // namespace

Command completion_command() {
  return {
      .name = "completion",
      .summary = "prints a script that completes commands and options in the shell",
      .examples =
          {{"source <(standpipe completion bash)", "for this shell"},
           {"standpipe completion bash > ~/.local/share/bash-completion/completions/standpipe",
            "for all to come"},
           {"standpipe completion zsh > ~/.zfunc/_standpipe",
            "for zsh, where ~/.zfunc is in $fpath"},
           {"standpipe completion fish > ~/.config/fish/completions/standpipe.fish", "for fish"}},
      .description =
          "The script knows the commands and options of this version. An installation has\n"
          "one for each shell.",
      .operands = {{.name = "SHELL", .kind = Kind::choice, .choices = {"bash", "zsh", "fish"}}},
      .options = {},
      .run = complete};
}

}  // namespace standpipe::cli
