// SPDX-License-Identifier: Apache-2.0
#include "worker/letter_commands.h"

#include "base/failure.h"
#include "base/text.h"
#include "deliver/letter_filter.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kPurge = "dead purge", kPurgeResult = "dead result ";

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
  throw Failure("this hub does not know the request " + quoted(request) +
                " (requests: dead where, dead purge FILTER, dead result NUMBER)");
}

std::string LetterCommands::purge(std::string_view words) {
  const auto filter = deliver::LetterFilter::parse(words);
  if (!filter) throw Failure("this hub does not know the filter " + quoted(words));
  return std::to_string(data_.letters().begin_purge(*filter)) + '\n';
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
