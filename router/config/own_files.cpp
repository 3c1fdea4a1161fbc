// SPDX-License-Identifier: Apache-2.0
#include "config/own_files.h"

#include <fnmatch.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/file_key.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

// "x.log" of "x.log.12"; empty: it is not a name of a rotated file.
std::string rotated_from(const std::string& path) {
  const auto dot = path.find_last_not_of("0123456789");
  return dot != path.npos && dot > 0 && path[dot] == '.' && dot + 1 < path.size()
             ? path.substr(0, dot)
             : "";
}

// Where one handler's rotation would replace or remove what another one writes.
void check_rotated(Context& context, const std::map<FileKey, const OwnFile*>& owners) {
  for (const auto& file : context.own_files) {
    if (!file.pattern.empty()) continue;
    const auto from = rotated_from(file.path);
    const auto owner = from.empty() ? owners.end() : owners.find(file_key(from));
    if (owner == owners.end() || !owner->second->rotates || owner->second->handler == file.handler)
      continue;
    const auto& rotating = *owner->second;
    Diagnostic d{.code = "own-file",
                 .message = "handler '" + shown(file.handler) +
                            "' writes to a file that handler '" + shown(rotating.handler) +
                            "' rotates into"};
    d.label = "give it a name that does not end in a number";
    d.notes.push_back("handler '" + shown(rotating.handler) + "' rotates " + shown(rotating.path) +
                      " to .1, .2 and so on, at " +
                      context.mistakes.documents().position(rotating.spot));
    context.mistakes.add(file.spot, std::move(d));
  }
}

bool matches(const OwnFile& with_placeholders, const std::string& path) {
  return ::fnmatch(with_placeholders.pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
}

void complain_of_two(Context& context, const OwnFile& file, const OwnFile& other,
                     const std::string& message, const std::string& label) {
  Diagnostic d{.code = "own-file", .message = message};
  d.label = label;
  d.notes.push_back("handler '" + shown(other.handler) + "' writes to " + shown(other.path) +
                    ", as messages say, at " + context.mistakes.documents().position(other.spot));
  context.mistakes.add(file.spot, std::move(d));
}

// Whether messages could make `chooser` write to this file, or rotate another one into it.
void check_against(Context& context, const OwnFile& file, const OwnFile& chooser) {
  if (file.handler == chooser.handler) return;
  if (file.pattern == chooser.pattern)
    return complain_of_two(context, file, chooser,
                           "two handlers write to the same files, " + shown(chooser.path),
                           "handler '" + shown(chooser.handler) +
                               "' does already; give each its own folder or ending");
  if (!file.pattern.empty()) return;
  const auto from = rotated_from(file.path);
  if (matches(chooser, file.path) || (chooser.rotates && !from.empty() && matches(chooser, from)))
    complain_of_two(context, file, chooser,
                    "handler '" + shown(file.handler) +
                        "' writes to a file that messages can name "
                        "for handler '" +
                        shown(chooser.handler) + "'",
                    "give it a folder or an ending of its own");
}

// By their texts alone: which files there will be, only messages know.
void check_choosers(Context& context) {
  std::map<std::string, const OwnFile*> by_pattern;  // one complaint a pattern is enough
  std::vector<const OwnFile*> choosers;
  for (const auto& file : context.own_files) {
    if (file.pattern.empty()) continue;
    const auto [at, is_new] = by_pattern.emplace(file.pattern, &file);
    if (is_new)
      choosers.push_back(&file);
    else
      check_against(context, file, *at->second);
  }
  for (const auto& file : context.own_files)
    for (const auto* chooser : choosers)
      if (file.pattern.empty()) check_against(context, file, *chooser);
}

}  // namespace

void check_own_files(Context& context, const std::vector<std::string>& configuration) {
  std::map<FileKey, const OwnFile*> owners;
  std::set<FileKey> configuration_keys;
  for (const auto& file : configuration) configuration_keys.insert(file_key(file));
  for (const auto& file : context.own_files) {
    if (!file.pattern.empty()) continue;
    const auto key = file_key(file.path);
    if (configuration_keys.contains(key)) {
      context.error(file.spot, "own-file",
                    "handler '" + shown(file.handler) + "' writes to the configuration itself",
                    "give it a file of its own");
      continue;
    }
    const auto [at, is_new] = owners.emplace(key, &file);
    if (is_new) continue;
    const auto& first = *at->second;
    Diagnostic d{.code = "own-file",
                 .message = "two handlers write to one file, " + shown(first.path)};
    d.label = "handler '" + shown(first.handler) + "' does already; give each its own path";
    d.notes.push_back("handler '" + shown(first.handler) + "' names it at " +
                      context.mistakes.documents().position(first.spot));
    if (file.path != first.path) d.notes.push_back(shown(file.path) + " is the same file");
    context.mistakes.add(file.spot, std::move(d));
  }
  check_rotated(context, owners);
  check_choosers(context);
}

}  // namespace standpipe::config
