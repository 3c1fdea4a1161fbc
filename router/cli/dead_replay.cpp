// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/interruption.h"
#include "cli/letters.h"
#include "cli/progress.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kReplayPoll = 50ms;
constexpr Nanoseconds kPlainLines = 10s;  // between two, where there is no terminal
constexpr Nanoseconds kNextWorker = 10s;  // that a hub may take to answer again
constexpr Nanoseconds kEndOfReplay = 2s;  // that it may take after Ctrl-C

// ---- what would be replayed

struct LettersOf {
  std::uint64_t letters = 0, bytes = 0;
};
using BySource = std::map<std::pair<std::string, std::string>, LettersOf>;  // and handler

BySource chosen(const std::string& folder, const deliver::LetterFilter& filter, Streams& streams) {
  BySource all;
  deliver::DeadLetterReader reader(folder);
  while (const auto letter = reader.next()) {
    if (!filter.has(*letter)) continue;
    auto& of = all[{std::string(letter->source), std::string(letter->handler)}];
    ++of.letters;
    of.bytes += letter->payload.size();
  }
  report_unreadable(reader, streams);
  return all;
}

std::uint64_t letters_in(const BySource& all) {
  std::uint64_t letters = 0;
  for (const auto& [name, of] : all) letters += of.letters;
  return letters;
}

std::string row_json(const std::pair<std::string, std::string>& name, const LettersOf& of) {
  return "{\"source\":" + json_string(name.first) + ",\"handler\":" + json_string(name.second) +
         ",\"letters\":" + std::to_string(of.letters) + ",\"bytes\":" + std::to_string(of.bytes) +
         "}\n";
}

void show_chosen(const BySource& all, bool as_json, Streams& streams) {
  if (as_json) {
    for (const auto& [name, of] : all) streams.out.write(row_json(name, of));
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"SOURCE", "HANDLER", "LETTERS", "SIZE"}};
  for (const auto& [name, of] : all)
    rows.push_back({printable(name.first), printable(name.second), thousands(of.letters),
                    thousands(of.bytes) + " B"});
  streams.out.write(table_text(rows));
  streams.out.flush();
  streams.err.info(counted(letters_in(all), "dead letter") + " would be replayed");
}

// ---- what the hub says of it (worker/letter_commands.h)

struct ReplayState {
  std::string stage;
  std::uint64_t delivered = 0, refused = 0, left = 0, in_hand = 0;
  std::vector<std::pair<std::uint64_t, std::string>> reasons;  // of those that are left

  bool is_over() const { return stage == "done" || stage == "cancelled"; }
  std::uint64_t through() const { return delivered + refused + left; }
};

std::string_view take_until(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

ReplayState parse_state(std::string_view text) {
  ReplayState state;
  auto line = take_until(text, '\n');
  state.stage = take_until(line, ' ');
  for (auto* count : {&state.delivered, &state.refused, &state.left, &state.in_hand})
    *count = number_in(take_until(line, ' '));
  while (!text.empty()) {
    line = take_until(text, '\n');
    const auto letters = number_in(take_until(line, '\t'));
    state.reasons.emplace_back(letters, line);
  }
  return state;
}

// ---- the replay

class Replaying {
 public:
  Replaying(const Arguments& arguments, std::string folder, std::uint64_t letters, Streams& streams)
      : arguments_(arguments), folder_(std::move(folder)), letters_(letters), streams_(streams) {}

  Status run(const deliver::LetterFilter& filter);

 private:
  std::string interval() const;
  std::string ask(const std::string& request);
  ReplayState poll() { return parse_state(ask("dead replayed " + number_)); }
  void interrupt();
  Status report(bool was_interrupted);

  const Arguments& arguments_;
  std::string folder_;
  std::uint64_t letters_;
  Streams& streams_;
  Interruption interruption_;
  int interruptions_ = 0;  // that were heard
  std::string number_;
  ReplayState state_;
};

std::string Replaying::interval() const {
  const auto rate = arguments_.rate("rate");
  return std::to_string(rate ? static_cast<std::uint64_t>(std::llround(1e9 / *rate)) : 0);
}

// A worker that dies has a successor, which goes on with the replay.
std::string Replaying::ask(const std::string& request) {
  const auto until = steady_now() + kNextWorker;
  for (;;) {
    try {
      auto answer = ask_hub(arguments_, request);
      while (answer.ends_with('\n')) answer.pop_back();
      return answer;
    } catch (const Failure& failure) {
      if (!DataFolder::holder_of(folder_))
        throw Failure("the hub has ended before the replay was over",
                      "what was not delivered is still among the dead letters: start the hub, and "
                      "replay again");
      const std::string_view what = failure.what();
      const bool is_said_by_hub =
          what.starts_with("nothing is known") || what.starts_with("no dead letters");
      if (is_said_by_hub || steady_now() > until) throw;
    }
    if (wait_for(-1, 0, interruption_, steady_now() + kReplayPoll, interruptions_) ==
        Waited::interrupted)
      throw Failure("interrupted: the hub did not answer, and may go on with the replay",
                    "standpipe dead replay --cancel");
  }
}

Status Replaying::run(const deliver::LetterFilter& filter) {
  number_ = ask_hub(arguments_, "dead replay " + interval() + ' ' + filter.text());
  while (number_.ends_with('\n')) number_.pop_back();
  bool was_interrupted = false;
  {
    Progress progress(streams_.err, letters_, steady_now(), "replayed");
    auto said = steady_now();
    for (state_ = poll(); !state_.is_over(); state_ = poll()) {
      const auto now = steady_now();
      progress.at(std::min(letters_, state_.through()), now);
      if (!streams_.err.is_terminal() && now - said >= kPlainLines) {
        streams_.err.info("replayed " + thousands(state_.through()) + " of " +
                          counted(letters_, "dead letter"));
        said = now;
      }
      was_interrupted = wait_for(-1, 0, interruption_, now + kReplayPoll) == Waited::interrupted;
      if (was_interrupted) break;
    }
  }
  if (was_interrupted) interrupt();
  return report(was_interrupted || state_.stage == "cancelled");
}

// Not longer than a person likes to wait: the hub goes on with what handlers have.
void Replaying::interrupt() {
  interruptions_ = 1;
  try {
    (void)ask("dead cancel");
  } catch (const Failure&) {  // it may be over by now; otherwise the next question says so, too
  }
  const auto until = steady_now() + kEndOfReplay;
  for (state_ = poll(); !state_.is_over() && steady_now() < until; state_ = poll())
    if (wait_for(-1, 0, interruption_, steady_now() + kReplayPoll, interruptions_) ==
        Waited::interrupted)
      break;
}

Status Replaying::report(bool was_interrupted) {
  const auto through = state_.delivered + state_.refused + state_.in_hand;
  const auto shown = was_interrupted ? letters_ - std::min(letters_, through) : state_.left;
  if (arguments_.has("json"))
    streams_.out.write("{\"replayed\":" + std::to_string(state_.delivered) +
                       ",\"failed\":" + std::to_string(state_.refused) +
                       ",\"left\":" + std::to_string(shown) + "}\n");
  else
    streams_.out.write(std::string(was_interrupted ? "interrupted: " : "") + "replayed " +
                       thousands(state_.delivered) + ", failed " + thousands(state_.refused) +
                       ", left " + thousands(shown) + '\n');
  streams_.out.flush();
  for (const auto& [letters, why] : state_.reasons)
    streams_.err.info(thousands(letters) + " left: " + printable(why));
  if (state_.refused > 0)
    streams_.err.info(counted(state_.refused, "message") +
                      " failed again, and each is a new dead letter with its own reason: "
                      "standpipe dead list");
  if (state_.in_hand > 0)
    streams_.err.info(counted(state_.in_hand, "message is", "messages are") +
                      " still with the handlers: a letter leaves when its message is delivered");
  const bool all = state_.stage == "done" && state_.refused == 0 && state_.left == 0;
  return all ? Status::done : Status::failed;
}

Status cancel(const Arguments& arguments, Streams& streams) {
  (void)ask_hub(arguments, "dead cancel");
  streams.out.write("the replay is being ended: what handlers have goes on, the rest stays\n");
  return Status::done;
}

void require_hub(const Arguments& arguments, const std::string& folder) {
  if (!DataFolder::holder_of(folder))
    throw Failure(
        "no hub runs on " + folder + ", and only a running hub can give letters to their handlers",
        "start it: standpipe run CONFIG; --dry-run, and dead list, show, export and purge "
        "work without");
  if (arguments.has("data-dir"))
    throw Failure("a running hub has this folder, and is asked by its control socket",
                  "name the hub by its configuration, or by --control PATH, instead");
}

Status replay_letters(const Arguments& arguments, Streams& streams) {
  if (arguments.has("cancel")) return cancel(arguments, streams);
  const auto filter = letter_filter(arguments, arguments.texts("id"));
  const auto folder = letters_folder(arguments, streams, 0);
  const auto all = chosen(folder, filter, streams);
  const auto letters = letters_in(all);
  if (letters > 0 && arguments.has("dry-run")) {
    show_chosen(all, arguments.has("json"), streams);
    return Status::done;
  }
  if (!arguments.has("dry-run")) require_hub(arguments, folder);
  if (letters == 0) {
    streams.err.info("there are no such dead letters");
    return Status::done;
  }
  return Replaying(arguments, folder, letters, streams).run(filter);
}

}  // namespace

Command dead_replay_command() {
  return {.name = "dead replay",
          .summary = "gives dead letters to their handlers again",
          .examples = {{"standpipe dead replay --handler billing --dry-run",
                        "only says how many there are, by source and handler"},
                       {"standpipe dead replay --handler billing --rate 100/s",
                        "what it refused, a hundred a second"},
                       {"standpipe dead replay --id d-3k9x", "one"},
                       {"standpipe dead replay --cancel", "ends a replay that is under way"}},
          .description =
              "The running hub gives each letter's message to the handler that had refused it,\n"
              "and to no other; routes are not asked. A letter leaves when its message is\n"
              "delivered; a message that fails again is a new letter, with its own reason and\n"
              "attempts, before the old one leaves. What a handler does not get now (it is held,\n"
              "or no longer configured) stays, and is said. Without a filter that is all letters\n"
              "that are there when the replay begins.\n"
              "\n"
              "Nothing is lost whoever dies meanwhile: a worker's successor goes on with the\n"
              "replay, and after the end of the whole hub what was not known to be delivered is\n"
              "still a letter, so a message may be delivered twice. Ctrl-C ends the replay: what\n"
              "handlers have by then goes on, the rest stays. A hub replays one filter at a time,\n"
              "and purges nothing meanwhile; of at most 256 pairs of source and handler a run.\n"
              "In the account a replayed message counts as accepted by its source once more.\n"
              "\n"
              "The status is 0 if all were delivered.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = letter_options(
              {letter_id_option(),
               {.name = "rate",
                .letter = 'r',
                .kind = Kind::rate,
                .value = "N/s",
                .summary = "at most so many messages a second; default: as fast as they are taken"},
               {.name = "dry-run", .summary = "only say what would be replayed"},
               {.name = "cancel", .summary = "end the replay that is under way"},
               {.name = "json", .summary = "JSON: the counts, or what --dry-run says"}}),
          .run = replay_letters};
}

}  // namespace standpipe::cli
