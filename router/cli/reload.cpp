// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/interruption.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPoll = 10ms;
constexpr Nanoseconds kAnswerMost =
    150s;  // examining, draining, starting and going back are bounded, each by itself
// Of a hub that answered before: it has no worker, which may be one that does not become ready; or
// it has no socket any more.
constexpr Nanoseconds kSilenceMost = 40s, kAwayMost = 2s;

// The worker that was asked may give way just then, so that the next one is asked again.
std::string ask_patiently(const Arguments& arguments, const std::string& request) {
  const auto began = steady_now();
  for (;;) {
    try {
      return ask_hub(arguments, request);
    } catch (const Failure& failure) {
      const std::string_view what = failure.what();
      if (what.starts_with("nothing is known")) throw;
      const auto most = what.starts_with("no hub answers") ? kAwayMost : kSilenceMost;
      if (steady_now() - began > most)
        throw Failure(
            "the hub has ended, or has no worker, and nobody says what came of the reload",
            "its log does");
      std::this_thread::sleep_for(kPoll);
    }
  }
}

std::string result_of(const Arguments& arguments, const std::string& number) {
  const auto began = steady_now();
  for (;;) {
    auto answer = ask_patiently(arguments, "reload result " + number);
    if (!answer.starts_with("pending")) return answer;
    if (steady_now() - began > kAnswerMost)
      throw Failure(
          "the hub has not said within " + duration_text(kAnswerMost) + " what came of the reload",
          "its log says so when it is over");
    std::this_thread::sleep_for(kPoll);
  }
}

std::string take_line(std::string& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

Status reload(const Arguments& arguments, Streams& streams) {
  auto number = ask_hub(arguments, arguments.has("dry-run") ? "reload dry-run" : "reload");
  while (number.ends_with('\n')) number.pop_back();
  auto text = result_of(arguments, number);
  const bool is_refused = take_line(text) == "refused";
  const auto json = take_line(text);
  if (arguments.has("json"))
    streams.out.write(json + '\n');
  else if (is_refused)
    streams.err.print(printable_lines(text, ""));
  else
    streams.out.write(printable_lines(text, ""));
  return is_refused ? Status::failed : Status::done;
}

}  // namespace

Command reload_command() {
  return {.name = "reload",
          .summary = "switches a running hub to its changed configuration",
          .examples = {{"standpipe reload", "checks it, switches, and says what changed"},
                       {"standpipe reload --dry-run", "says what would change, or why not"},
                       {"standpipe reload orders.yaml",
                        "the hub of that configuration, where several run"},
                       {"standpipe reload --json", "the same for programs, one object"}},
          .description =
              "The hub reads the file again that it was started with, and its plugins' files.\n"
              "If anything is wrong with them it goes on with what it has, and the status is\n"
              "1. Otherwise it switches: calls in progress come back, handlers flush and\n"
              "close, and a new worker begins with the new text. No message is lost, repeated\n"
              "or reordered; writers wait for some milliseconds (the pause, which is printed),\n"
              "and readers see no end. If the new worker does not become ready, the hub goes\n"
              "back to what it had.\n"
              "\n"
              "What a removed handler has in hand is delivered first, if it takes it: its\n"
              "sources wait for that, for at most drain_timeout. The rest is dead-lettered.\n"
              "A removed source is read to its end, and closed.\n"
              "\n"
              "data_dir cannot change while the hub runs, nor what stands on the command line\n"
              "of `run`. memory_max and the numbers of sources, handlers and routes can grow to\n"
              "about twice what the start had. An existing FIFO keeps its mode and owner.\n"
              "SIGHUP does the same, and the hub's log says what came of it.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = {control_option("the hub's control socket, as given to `run`"),
                      {.name = "dry-run", .summary = "only say what would change"},
                      {.name = "json", .summary = "one line of JSON on standard output"}},
          .run = reload};
}

}  // namespace standpipe::cli
