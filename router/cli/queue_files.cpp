// SPDX-License-Identifier: Apache-2.0
#include "cli/queue_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "cli/configuration.h"
#include "cli/show.h"
#include "cli/status.h"
#include "plugin/registry.h"

namespace standpipe::cli {
namespace {

using deliver::SavedFile, deliver::SavedReader;
using Names = std::set<std::string>;

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool is_wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

bool is_wanted(const std::vector<std::string>& names, std::span<const std::string> of) {
  return names.empty() ||
         std::ranges::any_of(of, [&](const auto& name) { return is_wanted(names, name); });
}

// That a name is in no file, so that a mistake can be told from an empty result.
void report_unknown(const char* what, const std::vector<std::string>& asked, const Names& known,
                    Streams& streams) {
  for (const auto& name : asked)
    if (!known.contains(name))
      streams.err.info("no message waits for " + std::string(what) + " '" + printable(name) + "'" +
                       (known.empty()
                            ? ""
                            : " (some wait for: " +
                                  printable(joined({known.begin(), known.end()}, ", ")) + ")"));
}

}  // namespace

std::vector<Option> with_folder_options(std::vector<Option> options) {
  options.push_back({.name = "data-dir",
                     .letter = 'd',
                     .kind = Kind::folder,
                     .value = "DIR",
                     .summary = "the hub's data_dir, instead of a configuration"});
  options.push_back(plugins_option());
  return options;
}

std::vector<Option> with_filter_options(std::vector<Option> options) {
  options.push_back({.name = "source",
                     .kind = Kind::text,
                     .value = "NAME",
                     .summary = "messages of this source; may be given several times",
                     .repeatable = true});
  options.push_back({.name = "handler",
                     .kind = Kind::text,
                     .value = "NAME",
                     .summary = "messages for this handler; may be given several times",
                     .repeatable = true});
  return with_folder_options(std::move(options));
}

std::optional<std::string> data_dir_of(const Arguments& arguments, Streams& streams) {
  auto folder = arguments.text("data-dir");
  if (folder.has_value() == !arguments.operands().empty())
    throw WrongUsage("one folder is looked at: CONFIG or --data-dir",
                     "name the configuration as it was given to `run`");
  if (folder) {
    if (!is_folder(*folder))
      throw Failure("there is no folder " + escaped(*folder), "correct --data-dir");
    return folder;
  }
  plugin::Registry plugins(plugin_folders(arguments));
  const auto hub = load_configuration(arguments, streams, plugins);
  if (!hub) return std::nullopt;
  return hub->data_dir;
}

// A file may go while it is looked at: its hub delivers it.
bool each_message(const std::string& data_dir, const Arguments& arguments, Streams& streams,
                  const ShowMessage& show) {
  const auto sources = arguments.texts("source"), handlers = arguments.texts("handler");
  bool is_sound = true;
  Names known_sources, known_handlers;
  for (const auto& file : deliver::saved_files(data_dir)) {
    if (file.kind == SavedFile::Kind::dead_letters) continue;
    known_sources.insert(file.source);
    if (!is_wanted(sources, file.source)) continue;
    try {
      SavedReader reader(file);
      while (const auto message = reader.next()) {
        known_handlers.insert(message->handlers.begin(), message->handlers.end());
        if (is_wanted(handlers, message->handlers) && !show(file, *message)) return is_sound;
      }
      if (report_damage(file, reader, streams)) is_sound = false;
    } catch (const Failure& failure) {
      std::error_code error;
      if (!std::filesystem::exists(file.path, error)) continue;
      streams.err.error("unreadable", failure.what(), failure.help());
      is_sound = false;
    }
  }
  report_unknown("source", sources, known_sources, streams);
  report_unknown("handler", handlers, known_handlers, streams);
  return is_sound;
}

bool report_damage(const SavedFile& file, const SavedReader& reader, Streams& streams) {
  const auto damage = reader.damage();
  streams.out.flush();
  for (const auto& line : damage) streams.err.warning("damaged", file.path + ": " + line);
  return !damage.empty();
}

}  // namespace standpipe::cli
