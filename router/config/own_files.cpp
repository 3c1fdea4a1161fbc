// SPDX-License-Identifier: Apache-2.0
#include "config/own_files.h"

#include <sys/stat.h>

#include <map>
#include <standpipe/open.hpp>
#include <tuple>

#include "base/text.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

// An existing file is its device and inode; one that is missing is its folder's and the name in it; where the folder is missing,
// too, there is only the path.
using FileKey = std::tuple<dev_t, ino_t, std::string>;

FileKey file_key(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return {status.st_dev, status.st_ino, ""};
  paths::Rules looking;
  looking.trust_others = true;  // nothing is opened
  const paths::Entry entry(path, looking);
  if (!entry) return {0, 0, path};
  return {entry.folder_status().st_dev, entry.folder_status().st_ino, entry.name()};
}

std::string named_at(const Document& document, const OwnFile& file) {
  const auto place = document.place(file.spot);
  return shown(place.file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

void check_own_files(Context& context, const std::string& configuration) {
  std::map<FileKey, const OwnFile*> owners;
  const auto configuration_key = file_key(configuration);
  for (const auto& file : context.own_files) {
    const auto key = file_key(file.path);
    if (key == configuration_key) {
      context.error(file.spot, "own-file", "handler '" + shown(file.handler) + "' writes to the configuration itself",
                    "give it a file of its own");
      continue;
    }
    const auto [at, is_new] = owners.emplace(key, &file);
    if (is_new) continue;
    const auto& first = *at->second;
    Diagnostic d{.code = "own-file", .message = "two handlers write to one file, " + shown(first.path)};
    d.label = "handler '" + shown(first.handler) + "' does already; give each its own path";
    d.notes.push_back("handler '" + shown(first.handler) + "' names it at " + named_at(context.mistakes.document(), first));
    if (file.path != first.path) d.notes.push_back(shown(file.path) + " is the same file");
    context.mistakes.add(file.spot, std::move(d));
  }
}

}  // namespace standpipe::config
