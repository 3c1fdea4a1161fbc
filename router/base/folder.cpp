// SPDX-License-Identifier: Apache-2.0
#include "base/folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/failure.h"
#include "base/fd.h"
#include "base/opening.h"

namespace standpipe {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool stays(char c, bool is_first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || (c == '.' && !is_first);
}

constexpr const char* kHelpOther = "set data_dir to another folder";

paths::Entry look_for(const std::string& path) {
  paths::Rules rules;
  rules.make_folders = 0700;
  rules.exception = kHelpOther;
  paths::Entry entry(path, rules);
  const auto& problem = entry.problem();
  if (problem.error == ENOTDIR)
    throw WrongConfiguration(problem.at + " is not a folder",
                             std::string("mv it away, or ") + kHelpOther);
  if (!entry)
    throw failure_of(problem, std::string("make it for the hub's user, or ") + kHelpOther);
  return entry;
}

}  // namespace

void make_private_folders(const std::string& path) {
  auto entry = look_for(path);
  if (!entry.exists()) {
    if (const int error = entry.make_folder(0700); error != 0 && error != EEXIST)
      throw Failure::system("make the folder " + path, error,
                            std::string("make it for the hub's user, or ") + kHelpOther);
    (void)entry
        .sync_folder();  // best effort: what cannot be synced will be said when a file is written
    entry = look_for(path);
  }
  const auto& status = entry.status();
  if (!S_ISDIR(status.st_mode))
    throw WrongConfiguration(path + " is not a folder",
                             std::string("mv it away, or ") + kHelpOther);
  if (!paths::User::current().is_ours(status.st_uid))
    throw WrongConfiguration(
        path + " belongs to " + paths::user_name(status.st_uid) + ", who can replace what is in it",
        "chown it to the hub's user, or " + std::string(kHelpOther));
}

int sync_folder(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0 ? 0 : errno;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> names_in(const std::string& folder, std::error_code& error) {
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string as_file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (stays(c, name.empty())) {
      name += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    name += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return name;
}

std::optional<std::string> from_file_name(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      text += name[i];
      continue;
    }
    unsigned byte = 0;
    const auto digits = name.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2) return std::nullopt;
    text += static_cast<char>(byte);
    i += 2;
  }
  if (as_file_name(text) != name)
    return std::nullopt;  // one name a text, so that two files are never taken for one
  return text;
}

}  // namespace standpipe
