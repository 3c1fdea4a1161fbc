// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/letters.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using deliver::DeadLetter;
using deliver::DeadLetterReader;

constexpr std::uint64_t kRowsDefault = 1000;
constexpr std::size_t kDetailMost = 100;  // characters of it in a row

// ---- list

std::vector<std::string> letter_row(const DeadLetter& letter) {
  auto detail = printable(letter.detail.substr(0, letter.detail.find('\n')));
  if (display_width(detail) > kDetailMost) detail = detail.substr(0, kDetailMost) + "...";
  return {deliver::letter_id(letter),
          letter_time(letter.dead_lettered_ns),
          printable(letter.source),
          printable(letter.handler),
          std::string(deliver::reason_name(letter.reason)),
          std::to_string(letter.attempts),
          thousands(letter.payload.size()) + " B",
          detail.empty() ? "-" : detail};
}

Status list_letters(const Arguments& arguments, Streams& streams) {
  const auto filter = letter_filter(arguments);
  const auto most = arguments.count("limit").value_or(kRowsDefault);
  const auto folder = letters_folder(arguments, streams, 0);
  DeadLetterReader reader(folder);
  std::uint64_t found = 0;
  LetterNames names;
  std::deque<std::vector<std::string>> rows;
  while (const auto letter = reader.next()) {
    names.add(*letter);
    if (!filter.has(*letter)) continue;
    ++found;
    if (arguments.has("json")) {
      streams.out.write(letter_json(*letter, WithPayload::no));
      continue;
    }
    rows.push_back(letter_row(*letter));
    if (rows.size() > most) rows.pop_front();
  }
  const auto status = report_unreadable(reader, streams) ? Status::done : Status::failed;
  if (found == 0)
    streams.err.info("there are no such dead letters in " + folder + names.unknown(filter));
  if (arguments.has("json") || found == 0) return status;
  rows.push_front({"ID", "TIME", "SOURCE", "HANDLER", "REASON", "TRIES", "SIZE", "DETAIL"});
  streams.out.write(table_text({rows.begin(), rows.end()}));
  streams.out.flush();
  if (found > most)
    streams.err.info("the last " + thousands(most) + " of " + counted(found, "dead letter") +
                     "; more: --limit N");
  return status;
}

// ---- show

std::string message_number(const DeadLetter& letter) {
  if (letter.sequence < deliver::kReplayedSequences)
    return thousands(letter.sequence) + " of its source";
  return thousands(letter.sequence % deliver::kReplayedStretch) + " of its replays";
}

// `routes`: of its message, where a configuration was named.
void show_fields(const DeadLetter& letter, const std::vector<std::string>& routes,
                 StandardOutput& out) {
  std::vector<std::vector<std::string>> rows = {
      {"id", deliver::letter_id(letter)},
      {"source", printable(letter.source)},
      {"handler", printable(letter.handler) + " (" + printable(letter.plugin) + ")"},
      {"reason", std::string(deliver::reason_name(letter.reason))},
      {"detail", letter.detail.empty() ? "-" : escaped(letter.detail)},
      {"route", letter.route.empty() ? "-" : printable(letter.route)},
      {"attempts", std::to_string(letter.attempts)},
      {"message", message_number(letter)},
      {"accepted", letter_time(letter.accepted_ns)},
      {"dead-lettered", letter_time(letter.dead_lettered_ns)},
      {"size", counted(letter.payload.size(), "byte")}};
  for (const auto& route : routes) rows.push_back({"route now", printable(route)});
  for (const auto& [name, value] : letter.metadata())
    rows.push_back({"meta " + printable(name), escaped(value)});
  out.write(table_text(rows));
  out.write("\n");
}

// The whole id, or as much of it as only one has. Read twice, for a letter is valid until the next.
Status show_letter(const Arguments& arguments, Streams& streams) {
  const auto& id = arguments.operands()[0];
  const deliver::LetterFilter filter{.ids = {id}, .sources = {}, .handlers = {}, .reasons = {}};
  const auto folder = letters_folder(arguments, streams, 1);
  std::vector<std::string> ids;
  DeadLetterReader count(folder);
  while (const auto letter = count.next())
    if (filter.has(*letter) && ids.size() < 5) ids.push_back(deliver::letter_id(*letter));
  if (ids.empty()) throw Failure("there is no dead letter " + quoted(id), "standpipe dead list");
  if (ids.size() > 1 && ids.front() != id)
    throw Failure("several dead letters are called so: " + joined(ids, ", "),
                  "give more of its name");
  DeadLetterReader reader(folder);
  auto letter = reader.next();
  while (letter && !filter.has(*letter)) letter = reader.next();
  if (!letter) throw Failure("the dead letter " + quoted(id) + " is gone");
  const auto format = arguments.text("format").value_or(arguments.has("json") ? "json" : "text");
  if (format == "json") {
    streams.out.write(letter_json(*letter, WithPayload::as_it_is));
    return Status::done;
  }
  const auto routes = arguments.operands().size() > 1
                          ? routes_of(*letter, arguments.operands()[1], streams)
                          : std::vector<std::string>();
  if (format != "raw") show_fields(*letter, routes, streams.out);
  const auto how = format == "hex" ? Format::hex : format == "raw" ? Format::raw : Format::text;
  show_payload(streams.out, payload_of(*letter), how);
  return Status::done;
}

}  // namespace

Command dead_list_command() {
  return {
      .name = "dead list",
      .summary = "lists dead letters: messages that could not be delivered",
      .examples = {{"standpipe dead list", "of the hub that runs, with the reason of each"},
                   {"standpipe dead list orders.yaml --handler billing --since 2h",
                    "what one handler refused lately; the hub need not run"},
                   {"standpipe dead list --json", "an object a letter and line, all of them"}},
      .description =
          "A message is dead-lettered when its handler rejected it (rejected), failed on it\n"
          "too often (retries_exhausted) or for too long (expired), died of it (crashed,\n"
          "timeout), or was passed over it by a person (skipped), when its handler was taken\n"
          "out of the configuration (shutdown), and when no route wanted it, if `unmatched:`\n"
          "of its source says so (no_route). The oldest come first; the table has the last\n"
          "1,000.",
      .operands = {{.name = "CONFIG", .required = false}},
      .options = letter_options({{.name = "limit",
                                  .letter = 'n',
                                  .kind = Kind::count,
                                  .value = "N",
                                  .summary = "rows of the table, the last ones; default 1000"},
                                 {.name = "json", .summary = "JSON, an object a letter and line"}}),
      .run = list_letters};
}

Command dead_show_command() {
  return {
      .name = "dead show",
      .summary = "shows one dead letter, with its payload",
      .examples = {{"standpipe dead show d-3k9x", "its id, or as much of it as is unique"},
                   {"standpipe dead show d-3k9x --format raw > message",
                    "the payload alone, as it was"}},
      .description =
          "On a terminal the payload is escaped. --format hex shows its bytes, json is one\n"
          "object with everything, and raw the payload and nothing else. Where CONFIG is\n"
          "named, so are the routes by which such a message goes to the handler now.",
      .operands = {{.name = "ID", .kind = Kind::text}, {.name = "CONFIG", .required = false}},
      .options = letter_options({{.name = "format",
                                  .letter = 'f',
                                  .kind = Kind::choice,
                                  .value = "F",
                                  .summary = "text (default), hex, json, raw (the payload alone)",
                                  .choices = {"text", "hex", "json", "raw"}},
                                 {.name = "json", .summary = "the same as --format json"}}),
      .run = show_letter};
}

}  // namespace standpipe::cli
