// SPDX-License-Identifier: Apache-2.0
#include "config/file_key.h"

#include <standpipe/open.hpp>

namespace standpipe::config {

FileKey file_key(const std::string& path) {
  if (const auto id = FileId::at(path)) return {*id, ""};
  paths::Rules looking;
  looking.trust_others = true;  // nothing is opened
  const paths::Entry entry(path, looking);
  if (!entry) return {FileId{}, path};
  return {FileId::of(entry.folder_status()), entry.name()};
}

}  // namespace standpipe::config
