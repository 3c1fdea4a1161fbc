// SPDX-License-Identifier: Apache-2.0
#include "worker/own_places.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>

#include "base/failure.h"
#include "base/folder.h"

namespace standpipe::worker {
namespace {

using Names = std::set<std::string, std::less<>>;

// A file that is written beside its place first bears that name and `.tmp`.
bool is_own_file(std::string_view name) {
  constexpr std::string_view kNames[] = {"lock", "running", "stopped", "resume"};
  constexpr std::string_view kTemporary = ".tmp";
  if (name.ends_with(kTemporary)) name.remove_suffix(kTemporary.size());
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         (name.starts_with("dead-letters") && name.ends_with(".log"));
}

// Nothing where there is no folder, and where it cannot be looked into.
std::vector<std::string> names_found_in(const std::string& folder) {
  std::error_code ignored;
  return names_in(folder, ignored);
}

template <class Options>
Names file_names_of(const std::vector<Options>& all) {
  Names names;
  for (const auto& options : all) names.insert(as_file_name(options.name));
  return names;
}

void add_queues(const std::string& root, const config::HubOptions& options,
                std::vector<OwnPlace>& places) {
  const auto sources = file_names_of(options.sources);
  const auto handlers = file_names_of(options.handlers);
  for (const auto& source : names_found_in(root)) {
    if (!sources.contains(source)) continue;
    places.emplace_back(root + '/' + source, OwnPlace::Kind::folder);
    for (const auto& handler : names_found_in(root + '/' + source))
      if (handlers.contains(handler))
        places.emplace_back(root + '/' + source + '/' + handler, OwnPlace::Kind::folder);
  }
}

void clear(const OwnPlace& place, Reporter& reporter) {
  const bool is_file = place.kind() == OwnPlace::Kind::file;
  if (const auto closed = place.closed(); !closed.empty())
    throw Failure(
        place.path() + ' ' + closed + ", and what earlier runs saved may be in it",
        "give the hub's user rwx on it, or mount what it leads to; or mv it away, to begin "
        "without what is in it");
  const auto fault = place.fault();
  if (fault.empty()) return;
  const auto what =
      place.path() + ' ' + fault + ", and no " + (is_file ? "file" : "folder") + " of the hub's";
  if (const auto aside = place.move_aside(); !aside.empty())
    return reporter.warning("foreign", what + ": it is moved to " + aside,
                            "find out what put it there, and delete it if nobody needs it");
  // A file's user finds out for itself what it cannot do, and says so.
  if (!is_file)
    throw Failure(what + ", so that nothing could be saved there; it cannot be moved aside",
                  "mv it away");
}

}  // namespace

std::vector<OwnPlace> own_places_in(const std::string& data_dir,
                                    const config::HubOptions& options) {
  std::vector<OwnPlace> places;
  for (const auto& name : names_found_in(data_dir)) {
    const auto path = data_dir + '/' + name;
    if (is_own_file(name)) places.emplace_back(path, OwnPlace::Kind::file);
    if (name == "spill" || name == "queue") places.emplace_back(path, OwnPlace::Kind::folder);
    if (name == "queue") add_queues(path, options, places);
  }
  return places;
}

void clear_own_places(const std::string& data_dir, const config::HubOptions& options,
                      Reporter& reporter) {
  for (const auto& place : own_places_in(data_dir, options)) clear(place, reporter);
}

}  // namespace standpipe::worker
