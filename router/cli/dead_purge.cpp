// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/letters.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPurgePoll = 20ms;

std::uint64_t count_letters(const std::string& folder, const deliver::LetterFilter& filter,
                            LetterNames& names, Streams& streams) {
  std::uint64_t letters = 0;
  deliver::DeadLetterReader reader(folder);
  while (const auto letter = reader.next()) {
    names.add(*letter);
    letters += filter.has(*letter);
  }
  (void)report_unreadable(reader, streams);
  return letters;
}

// Answers other than y and yes, and none, are a no.
bool agrees(Streams& streams, const std::string& question) {
  streams.err.print(question + " [y/N] ");
  std::string answer;
  for (char c = 0; answer.size() < 16 && ::read(streams.in, &c, 1) == 1 && c != '\n';) answer += c;
  return answer == "y" || answer == "yes";
}

// A hub that runs has its folder, and changes the files itself; otherwise nobody may come while
// they are changed.
std::optional<DataFolder> take(const std::string& folder) {
  if (DataFolder::holder_of(folder)) return std::nullopt;
  return DataFolder(folder);
}

std::uint64_t purge_here(const std::string& folder, const deliver::LetterFilter& filter,
                         Streams& streams) {
  return deliver::DeadLetters(folder, 0, streams.err).purge(filter);
}

std::uint64_t purge_there(const Arguments& arguments, const deliver::LetterFilter& filter) {
  if (arguments.has("data-dir"))
    throw Failure("a running hub has this folder, and changes it itself",
                  "name the hub by its configuration, or by --control PATH, instead");
  auto number = ask_hub(arguments, "dead purge " + filter.text());
  while (number.ends_with('\n')) number.pop_back();
  for (;;) {
    auto result = ask_hub(arguments, "dead result " + number);
    while (result.ends_with('\n')) result.pop_back();
    if (result.starts_with("failed ")) throw Failure(result.substr(7));
    if (result.starts_with("purged ")) return std::stoull(result.substr(7));
    std::this_thread::sleep_for(kPurgePoll);
  }
}

Status purge_letters(const Arguments& arguments, Streams& streams) {
  const auto filter = letter_filter(arguments, arguments.texts("id"));
  const auto folder = letters_folder(arguments, streams, 0);
  LetterNames names;
  const auto letters = count_letters(folder, filter, names, streams);
  const auto what = counted(letters, "dead letter");
  if (letters == 0 || arguments.has("dry-run")) {
    streams.out.write(letters == 0 ? "there are no such dead letters" + names.unknown(filter) + '\n'
                                   : what + " would be removed\n");
    return Status::done;
  }
  if (!arguments.has("yes")) {
    if (::isatty(streams.in) == 0)
      throw WrongUsage(what + " would be removed for ever, and nobody can be asked",
                       "if that is meant: --yes");
    if (!agrees(streams, "remove " + what + " for ever?")) return Status::failed;
  }
  const auto alone = take(folder);
  const auto gone = alone ? purge_here(folder, filter, streams) : purge_there(arguments, filter);
  streams.out.write("removed " + counted(gone, "dead letter") + '\n');
  return Status::done;
}

}  // namespace

Command dead_purge_command() {
  return {.name = "dead purge",
          .summary = "removes dead letters for ever",
          .examples = {{"standpipe dead purge --handler billing --until 7d",
                        "those that are a week old; asks first"},
                       {"standpipe dead purge --id d-3k9x --yes", "one, without a question"},
                       {"standpipe dead purge --dry-run", "only says how many"}},
          .description =
              "Without a filter that is all of them. A hub that runs removes them itself, a file\n"
              "after the other: each is written anew without the letters, so there must be room\n"
              "for one of them (64MiB), and a handler waits that long with what it rejects.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = letter_options({letter_id_option(),
                                     {.name = "dry-run", .summary = "only say how many"},
                                     {.name = "yes", .letter = 'y', .summary = "do not ask"}}),
          .run = purge_letters};
}

}  // namespace standpipe::cli
