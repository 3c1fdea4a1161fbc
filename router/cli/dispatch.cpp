// SPDX-License-Identifier: Apache-2.0
#include "cli/dispatch.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>

#include "base/text.h"
#include "cli/help.h"
#include "cli/worker.h"

namespace standpipe::cli {
namespace {

using Words = std::span<const std::string>;

const Command* find(std::string_view name) {
  static const std::array hidden{worker_command(), handler_process_command()};
  for (const auto& command : hidden)
    if (name == command.name) return &command;
  const auto commands = table();
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& c) { return c.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

bool is_help(const std::string& word) { return word == "--help" || word == "-h"; }

WrongUsage unknown(const std::string& what, const std::string& given,
                   const std::vector<std::string>& known) {
  const auto near = nearest(given, known);
  return WrongUsage(
      "unknown " + what + ' ' + quoted(given),
      (near ? "did you mean '" + *near + "'? " : "") + "(commands: " + joined(known, ", ") + ')');
}

Status run_row(const Command& command, Words words, Streams& streams) {
  const Arguments arguments(command, words);
  if (!arguments.wants_help()) return command.run(arguments, streams);
  streams.out.write(help_for(command));
  return Status::done;
}

Status run_in_group(const std::string& group, Words words, Streams& streams) {
  const auto known = second_words(group);
  if (words.empty())
    throw WrongUsage(group + " needs one more word: " + joined(known, ", "),
                     "e.g. standpipe " + group + ' ' + known.front());
  if (is_help(words[0])) {
    streams.out.write(help_for_group(group));
    return Status::done;
  }
  if (const auto* command = find(group + ' ' + words[0]))
    return run_row(*command, words.subspan(1), streams);
  throw unknown(group + " command", words[0], known);
}

Status run_words(Words words, Streams& streams) {
  if (words.empty()) {
    streams.out.write(short_help());
    return Status::done;
  }
  if (is_help(words[0]) || words[0] == "--version") {
    streams.out.write(is_help(words[0]) ? long_help() : version_text());
    return Status::done;
  }
  if (const auto* command = find(words[0])) return run_row(*command, words.subspan(1), streams);
  if (!second_words(words[0]).empty()) return run_in_group(words[0], words.subspan(1), streams);
  if (words[0].starts_with('-'))
    throw WrongUsage("unknown option " + quoted(words[0]),
                     "options come after the command: standpipe COMMAND [options]");
  throw unknown("command", words[0], first_words());
}

// What was received before the fault is printed first.
Status complain(Streams& streams, Status status, const std::string& what,
                const std::string& help = {}) {
  try {
    streams.out.flush();
  } catch (const Failure&) {  // NOLINT(bugprone-empty-catch): one fault was reported already
  }
  streams.err.error(status == Status::wrong_usage ? "usage" : "failed", what, help);
  return status;
}

Status guarded(Words words, Streams& streams) try {
  const auto status = run_words(words, streams);
  streams.out.flush();
  return status;
} catch (const WrongUsage& usage) {
  return complain(streams, Status::wrong_usage, usage.what(), usage.help());
} catch (const WrongConfiguration& wrong) {
  return complain(streams, Status::wrong_configuration, wrong.what(), wrong.help());
} catch (const Failure& failure) {
  return complain(streams, Status::failed, failure.what(), failure.help());
} catch (const std::bad_alloc&) {
  return complain(streams, Status::failed, "out of memory");
} catch (const std::exception& e) {
  return complain(streams, Status::failed, e.what());
}

}  // namespace

std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const auto& c : table()) {
    const auto word = std::string(c.name.substr(0, c.name.find(' ')));
    if (words.empty() || words.back() != word) words.push_back(word);
  }
  return words;
}

std::vector<std::string> second_words(std::string_view group) {
  std::vector<std::string> words;
  for (const auto& c : table())
    if (c.name.starts_with(std::string(group) + ' '))
      words.emplace_back(c.name.substr(group.size() + 1));
  return words;
}

int dispatch(Words words, Streams& streams) { return static_cast<int>(guarded(words, streams)); }

}  // namespace standpipe::cli
