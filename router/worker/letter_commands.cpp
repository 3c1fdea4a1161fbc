// SPDX-License-Identifier: Apache-2.0
#include "worker/letter_commands.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/failure.h"
#include "base/text.h"
#include "deliver/letter_filter.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kPurge = "dead purge", kPurgeResult = "dead result ",
                           kBeginReplay = "dead replay ", kReplayed = "dead replayed ";
constexpr std::uint64_t kIntervalMost = 86'400'000'000'000;  // ns: a day

}  // namespace

std::optional<std::string> LetterCommands::answer(std::string_view request) {
  if (request != "dead" && !request.starts_with("dead ")) return std::nullopt;
  if (!data_.works())
    throw Failure("this hub keeps no dead letters: " + data_.path() +
                  " could not be used at its start");
  if (request == "dead where") return data_.path() + '\n';
  if (request.starts_with(kPurgeResult)) return result(request.substr(kPurgeResult.size()));
  if (request == kPurge || request.starts_with("dead purge "))
    return purge(request.substr(kPurge.size()));
  if (request.starts_with(kReplayed)) return replays_.progress(request.substr(kReplayed.size()));
  if (begins_replay(request)) return replay(request.substr(kBeginReplay.size()));
  if (request == "dead cancel") {
    replays_.cancel();
    return "it is being ended\n";
  }
  throw Failure("this hub does not know the request " + quoted(request) +
                " (requests: dead where, dead purge FILTER, dead result NUMBER, dead replay "
                "INTERVAL FILTER, dead replayed NUMBER, dead cancel)");
}

std::string LetterCommands::purge(std::string_view words) {
  const auto filter = deliver::LetterFilter::parse(words);
  if (!filter) throw Failure("this hub does not know the filter " + quoted(words));
  return std::to_string(data_.letters().begin_purge(*filter)) + '\n';
}

bool LetterCommands::begins_replay(std::string_view request) {
  return request.starts_with(kBeginReplay);
}

std::string LetterCommands::replay(std::string_view words) {
  const auto end = std::min(words.find(' '), words.size());
  std::uint64_t interval = 0;
  const auto [last, error] = std::from_chars(words.data(), words.data() + end, interval);
  if (error != std::errc() || last != words.data() + end || interval > kIntervalMost)
    throw Failure("this hub does not know the interval " + quoted(words.substr(0, end)));
  const auto filter = deliver::LetterFilter::parse(words.substr(end));
  if (!filter) throw Failure("this hub does not know the filter " + quoted(words.substr(end)));
  const auto number = replays_.begin(*filter, Nanoseconds(static_cast<std::int64_t>(interval)));
  return std::to_string(number) + '\n';
}

std::string LetterCommands::result(std::string_view number) const {
  const auto purge = data_.letters().last_purge();
  if (purge.number == 0 || std::to_string(purge.number) != number)
    throw Failure("nothing is known of the purge " + quoted(number) +
                  ": a worker has died since, or another purge was begun");
  if (!purge.is_done) return "pending\n";
  if (purge.failure) return std::string("failed ") + purge.failure->what() + '\n';
  return "purged " + std::to_string(purge.letters) + '\n';
}

}  // namespace standpipe::worker
