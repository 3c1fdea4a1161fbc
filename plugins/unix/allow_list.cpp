// SPDX-License-Identifier: Apache-2.0
#include "allow_list.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

namespace unix_socket {

namespace {

constexpr std::size_t kNameBufferBytes = 64 * 1024;

// The kernel's struct ucred, which the C library shows only with its extensions.
struct Ucred {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

std::optional<unsigned> number_in(const std::string& text) {
  unsigned number = 0;
  const auto* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || last != end || text.empty()) return std::nullopt;
  return number;
}

[[noreturn]] void refuse(std::string_view option, const std::string& name, const char* what) {
  throw standpipe::fatal(std::string(option) + ": there is no " + what + " '" + name +
                         "' on this machine; write a name that `getent` knows, or a number");
}

}  // namespace

Credentials Credentials::of(int fd) {
  Ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    throw standpipe::disconnected("the kernel does not say who is at the other end");
  Credentials who{peer.pid, peer.uid, peer.gid, {}};
  socklen_t bytes = 0;  // asked first with no room: it answers ERANGE and how much it needs
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) != 0 && errno == ERANGE) {
    who.groups.resize(bytes / sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, who.groups.data(), &bytes) != 0) bytes = 0;
    who.groups.resize(bytes / sizeof(gid_t));
  }
  return who;
}

std::string Credentials::text() const {
  return "pid " + std::to_string(pid) + ", uid " + std::to_string(uid) + ", gid " +
         std::to_string(gid);
}

uid_t user_number(std::string_view option, const std::string& name) {
  if (const auto number = number_in(name)) return *number;
  std::vector<char> buffer(kNameBufferBytes);
  passwd entry{}, *found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) refuse(option, name, "user");
  return found->pw_uid;
}

gid_t group_number(std::string_view option, const std::string& name) {
  if (const auto number = number_in(name)) return *number;
  std::vector<char> buffer(kNameBufferBytes);
  group entry{}, *found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) refuse(option, name, "group");
  return found->gr_gid;
}

AllowList::AllowList(const Allowed& allowed) {
  for (const auto& name : allowed.users) users_.push_back(user_number("allow_users", name));
  for (const auto& name : allowed.groups) groups_.push_back(group_number("allow_groups", name));
}

bool AllowList::allows(const Credentials& who) const {
  if (is_empty() || std::ranges::find(users_, who.uid) != users_.end()) return true;
  return std::ranges::any_of(groups_, [&](gid_t group) {
    return group == who.gid || std::ranges::find(who.groups, group) != who.groups.end();
  });
}

}  // namespace unix_socket
