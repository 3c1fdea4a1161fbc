// SPDX-License-Identifier: Apache-2.0
#include "control/socket_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::control {
namespace {

constexpr const char* kRunFolder = "/run/standpipe";
constexpr const char* kSocketPrefix = "control";
constexpr std::size_t kSocketNameMost = 60;  // of the 107 bytes that a socket's path may have
constexpr const char* kPlaceRemedy = "name another place: --control PATH";

std::string of_session(uid_t user) { return "/run/user/" + std::to_string(user) + "/standpipe"; }
std::string of_last_resort(uid_t user) { return "/tmp/standpipe-" + std::to_string(user); }

std::string text_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? text : "";
}

std::optional<uid_t> user_in(const char* variable) {
  const char* text = std::getenv(variable);
  const auto number = text ? parse_integer(text) : std::nullopt;
  return number && *number >= 0 && *number < UINT32_MAX ? std::optional(static_cast<uid_t>(*number))
                                                        : std::nullopt;
}

void add_sockets(const std::string& folder, std::vector<std::string>& sockets,
                 std::vector<std::string>* folders) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (sockets.size() == kSocketsMost || (folders && folders->size() == kSocketsMost)) return;
    std::error_code ignored;
    const auto type = entry->symlink_status(ignored).type();
    const bool is_named = entry->path().filename().string().starts_with(kSocketPrefix);
    if (type == std::filesystem::file_type::socket && is_named)
      sockets.push_back(entry->path().string());
    if (type == std::filesystem::file_type::directory && folders)
      folders->push_back(entry->path().string());
  }
}

}  // namespace

Environment Environment::of_this_process() {
  const std::string service_dirs = text_in("RUNTIME_DIRECTORY");
  const auto user = ::geteuid();
  return {.service_dir = service_dirs.substr(0, service_dirs.find(':')),
          .runtime_dir = text_in("XDG_RUNTIME_DIR"),
          .user = user,
          .caller = user == 0 ? user_in("SUDO_UID") : std::nullopt,
          .run_is_writable = ::access(kRunFolder, W_OK) == 0};
}

std::string folder_to_listen_in(const Environment& around) {
  if (around.service_dir.starts_with('/')) return around.service_dir;
  if (around.runtime_dir.starts_with('/')) return around.runtime_dir + "/standpipe";
  return around.user == 0 || around.run_is_writable ? kRunFolder : of_last_resort(around.user);
}

std::vector<std::string> folders_to_ask_in(const Environment& around) {
  std::vector<std::string> folders;
  const auto add = [&](std::string folder) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(std::move(folder));
  };
  if (around.runtime_dir.starts_with('/')) add(around.runtime_dir + "/standpipe");
  add(of_session(around.user));
  if (around.caller) add(of_session(*around.caller));
  add(kRunFolder);
  add(of_last_resort(around.user));
  if (around.caller) add(of_last_resort(*around.caller));
  return folders;
}

std::string socket_name(const std::string& name) {
  auto whole = kSocketPrefix + ('-' + name);
  if (whole.size() <= kSocketNameMost) return whole;
  constexpr std::size_t kEnd = 9;  // "-" and the hash, which tells two long names apart
  return whole.substr(0, kSocketNameMost - kEnd) + whole.substr(whole.size() - kEnd);
}

std::vector<std::string> sockets_in(const std::string& folder) {
  std::vector<std::string> sockets, folders;
  add_sockets(folder, sockets, &folders);
  for (const auto& inner : folders) add_sockets(inner, sockets, nullptr);
  std::sort(sockets.begin(), sockets.end());
  return sockets;
}

void make_private_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw Failure::system("make the control socket's folder " + folder, errno, kPlaceRemedy);
  struct stat st {};
  if (::lstat(folder.c_str(), &st) != 0)
    throw Failure::system("look at " + folder, errno, kPlaceRemedy);
  if (!S_ISDIR(st.st_mode))
    throw Failure(folder + " is not a folder, so the control socket cannot be there", kPlaceRemedy);
  if (st.st_uid != ::geteuid() && st.st_uid != 0)
    throw Failure(
        folder + " belongs to another user, who could put a control socket of their own there",
        kPlaceRemedy);
  if (st.st_mode & 022)
    throw Failure(
        "other users may write to " + folder + ", and so put a control socket of their own there",
        "chmod go-w " + folder + ", or " + kPlaceRemedy);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace standpipe::control
