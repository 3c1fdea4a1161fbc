// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <limits.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace standpipe::config {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kStemMax =
    200;  // so that a folder's name with a hash after it is none too long

// FNV-1a, as eight digits: the same on every machine and in every version, for a folder must be
// found again.
std::string hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", hash);
  return digits.data();
}

std::string state_folder(const Lookup& lookup, bool is_root) {
  const auto absolute = [&](const char* name) -> std::optional<std::string> {
    auto value = lookup(name);
    return value && value->starts_with('/') ? value : std::nullopt;
  };
  // A service manager's StateDirectory=, made for this service; a list when there are several.
  if (const auto given = absolute("STATE_DIRECTORY")) return given->substr(0, given->find(':'));
  if (const auto state = absolute("XDG_STATE_HOME")) return *state + "/standpipe";
  const auto home = absolute("HOME");
  return is_root || !home ? "/var/lib/standpipe" : *home + "/.local/state/standpipe";
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto whole =
      fs::absolute(fs::path(path), error);  // fails when the working folder was removed
  return error ? "/" : whole.lexically_normal().string();
}

std::string folder_of(const std::string& file) {
  return fs::path(absolute_path(file)).parent_path().string();
}

std::string name_for(const std::string& file) {
  auto whole = absolute_path(file);
  if (whole.ends_with('/')) whole.pop_back();  // a folder
  return fs::path(whole).stem().string().substr(0, kStemMax) + '-' + hash_of(whole);
}

std::string default_data_dir(const Lookup& lookup, bool is_root, const std::string& file) {
  return state_folder(lookup, is_root) + '/' + name_for(file);
}

std::optional<std::string> path_problem(const std::string& path) {
  if (path.size() >= PATH_MAX) return "is longer than a path may be";
  for (const auto& part : fs::path(path))
    if (part.native().size() > NAME_MAX) return "has a name longer than a file may have";
  if (path.ends_with('/')) return "is a folder";
  return std::nullopt;
}

}  // namespace standpipe::config
