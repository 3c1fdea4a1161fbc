// SPDX-License-Identifier: Apache-2.0
#include "deliver/set_aside.h"

#include <sys/stat.h>

#include "base/opening.h"
#include "log/refusal.h"

namespace standpipe::deliver {

bool is_of_newer_version(const Failure& why) {
  return dynamic_cast<const log::NewerVersion*>(&why) != nullptr;
}

std::string set_aside(const std::string& path, const Failure& why) {
  const paths::Entry entry(path, own_file());
  if (!entry) return {};
  const auto plain = entry.name() + (is_of_newer_version(why) ? ".newer" : ".damaged");
  auto name = plain;
  struct stat there {};
  for (int n = 2; entry.status_of(name, there) == 0; ++n) name = plain + '-' + std::to_string(n);
  if (entry.rename_to(name) != 0) return {};
  return path.substr(0, path.rfind('/') + 1) + name;
}

std::optional<std::string> set_aside_if_unknown(const std::string& path, const Failure& why) {
  const bool is_none = dynamic_cast<const log::NotADiskLog*>(&why) != nullptr;
  if (!is_none && !is_of_newer_version(why)) return std::nullopt;
  auto aside = set_aside(path, why);
  if (aside.empty()) return std::nullopt;
  return aside;
}

}  // namespace standpipe::deliver
