// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "settings.h"

namespace unix_socket {

// Who is at the other end, as the kernel noted it when that end connected or began to listen.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary

  static Credentials of(int fd);
  std::string text() const;  // "pid 7, uid 1000, gid 1000"
};

// The numbers behind names of users and groups. Throws standpipe::fatal that names the option.
uid_t user_number(std::string_view option, const std::string& name);
gid_t group_number(std::string_view option, const std::string& name);

// Users and groups that may be at the other end; one of either list is enough.
class AllowList {
 public:
  explicit AllowList(const Allowed& allowed);
  bool allows(const Credentials& who) const;
  bool is_empty() const { return users_.empty() && groups_.empty(); }

 private:
  std::vector<uid_t> users_;
  std::vector<gid_t> groups_;
};

}  // namespace unix_socket
