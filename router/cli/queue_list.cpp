// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "base/data_folder.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/queue_files.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using deliver::SavedFile, deliver::SavedReader;

constexpr std::size_t kHandlersShown = 3;

// What one file has.
struct FileSummary {
  std::string kind;
  std::set<std::string> handlers;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t oldest_ns = 0;  // since 1970; 0: no message
  std::vector<std::string> damage;
};

FileSummary summary_of(const SavedFile& file) {
  FileSummary summary;
  try {
    SavedReader reader(file);
    summary.kind = reader.kind();
    summary.bytes = reader.bytes();
    while (const auto message = reader.next()) {
      ++summary.messages;
      summary.handlers.insert(message->handlers.begin(), message->handlers.end());
      if (summary.oldest_ns == 0 || message->accepted_ns < summary.oldest_ns)
        summary.oldest_ns = message->accepted_ns;
    }
    summary.damage = reader.damage();
  } catch (const Failure& failure) {
    summary.kind = "unreadable";
    summary.damage = {failure.what()};
  }
  return summary;
}

// How long its oldest message has waited.
std::optional<Nanoseconds> age_of(const FileSummary& summary) {
  if (summary.oldest_ns == 0) return std::nullopt;
  const Nanoseconds oldest(static_cast<std::int64_t>(summary.oldest_ns));
  return std::max(SystemClock().wall() - oldest, Nanoseconds(0));
}

std::string handlers_text(const FileSummary& summary) {
  if (summary.handlers.empty()) return "-";
  if (summary.handlers.size() > kHandlersShown)
    return thousands(summary.handlers.size()) + " handlers";
  return joined({summary.handlers.begin(), summary.handlers.end()}, ", ");
}

std::vector<std::string> row_of(const SavedFile& file, const FileSummary& summary) {
  const auto age = age_of(summary);
  return {summary.kind,
          printable(file.source),
          printable(handlers_text(summary)),
          thousands(summary.messages),
          thousands(summary.bytes),
          age ? short_age(*age) : "-",
          summary.damage.empty() ? "sound" : "damaged",
          printable(file.path)};
}

std::string json_list(const auto& texts) {
  std::vector<std::string> quoted_texts;
  for (const auto& text : texts) quoted_texts.push_back(json_string(text));
  return "[" + joined(quoted_texts, ",") + "]";
}

std::string json_of(const SavedFile& file, const FileSummary& summary) {
  const auto age = age_of(summary);
  return "{\"kind\":" + json_string(summary.kind) + ",\"source\":" + json_string(file.source) +
         ",\"handlers\":" + json_list(summary.handlers) +
         ",\"messages\":" + std::to_string(summary.messages) +
         ",\"bytes\":" + std::to_string(summary.bytes) +
         ",\"oldest_s\":" + (age ? std::to_string(age->count() / 1'000'000'000) : "null") +
         ",\"damage\":" + json_list(summary.damage) + ",\"path\":" + json_string(file.path) + "}\n";
}

Status list_queues(const Arguments& arguments, Streams& streams) {
  const auto folder = data_dir_of(arguments, streams);
  if (!folder) return Status::wrong_configuration;
  std::vector<std::vector<std::string>> rows = {
      {"KIND", "SOURCE", "HANDLER", "MESSAGES", "BYTES", "OLDEST", "STATE", "FILE"}};
  for (const auto& file : deliver::saved_files(*folder)) {
    if (file.kind == SavedFile::Kind::dead_letters) continue;
    const auto summary = summary_of(file);
    std::error_code error;
    if (!std::filesystem::exists(file.path, error)) continue;  // its hub delivered it meanwhile
    if (arguments.has("json")) streams.out.write(json_of(file, summary));
    rows.push_back(row_of(file, summary));
  }
  if (arguments.has("json")) return Status::done;
  if (rows.size() == 1)
    streams.err.info("no messages wait in " + *folder);
  else
    streams.out.write(table_text(rows));
  return Status::done;
}

}  // namespace

Command queue_list_command() {
  return {.name = "queue list",
          .summary = "lists the files in which messages wait on the disk",
          .examples = {{"standpipe queue list orders.yaml", "of the hub of that configuration"},
                       {"standpipe queue list --data-dir /var/lib/standpipe",
                        "of whatever hub has that data_dir"}},
          .description =
              "Spills are what a stop saved for the next start; queues what `queue: disk` keeps\n"
              "for a handler, or what overflowed while it was away; overflows what a hub of an\n"
              "earlier version saved for a held one. All files are read, whether a hub runs or\n"
              "not, and none is changed. OLDEST is how long the oldest message in a file has\n"
              "waited since it was accepted.\n"
              "`queue check` says what is damaged where STATE says so.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = with_folder_options({{.name = "json", .summary = "JSON, an object a file"}}),
          .run = list_queues};
}

}  // namespace standpipe::cli
