// SPDX-License-Identifier: Apache-2.0
#include "plugin/trusted_file.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::plugin {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, const std::string& at, const std::string& fault,
                         const std::string& remedy) {
  throw Failure(escaped(path) + " is not run by root: " + escaped(at) + ' ' + fault,
                remedy + ", or pin the file by sha256");
}

// A group that may write to the program itself needs no plugin either.
bool may_write_to_program(gid_t group) {
  struct stat program {};
  return ::stat("/proc/self/exe", &program) == 0 && (program.st_mode & S_IWGRP) &&
         program.st_gid == group;
}

// By one who is neither root nor us.
void check_writers(const std::string& path, const std::string& at, const struct stat& status,
                   const paths::User& user) {
  if (!user.is_ours(status.st_uid))
    refuse(path, at, "belongs to " + paths::user_name(status.st_uid) + ", who can change it",
           "chown root " + escaped(at));
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX)) return;
  const bool everybody = status.st_mode & S_IWOTH;
  const bool a_group =
      (status.st_mode & S_IWGRP) && status.st_gid != 0 && !may_write_to_program(status.st_gid);
  if (everybody || a_group)
    refuse(path, at, std::string("may be written to by ") + (everybody ? "everybody" : "a group"),
           "chmod go-w " + escaped(at));
}

// The folder's own, and each above it.
void check_folders(const std::string& path, const std::string& real, const paths::User& user) {
  for (auto at = fs::path(real).parent_path();; at = at.parent_path()) {
    struct stat status {};
    if (::stat(at.c_str(), &status) == 0) check_writers(path, at.string(), status, user);
    if (!at.has_relative_path()) return;
  }
}

// By a rule of the walk, which names the part that is to blame.
[[noreturn]] void refuse_way(const std::string& path, const paths::Problem& problem) {
  auto why = problem.text;
  if (const auto before = "cannot use " + path + ": "; why.starts_with(before))
    why.erase(0, before.size());
  throw Failure(escaped(path) + " is not run by root: " + escaped(why),
                "chown root " + escaped(problem.at) + " and chmod go-w " + escaped(problem.at) +
                    ", or pin the file by sha256");
}

}  // namespace

paths::User loading_user() {
  auto user = paths::User::current();
  struct stat program {};
  if (user.is_root && !user.sudo && ::stat("/proc/self/exe", &program) == 0)
    user.sudo = program.st_uid;
  return user;
}

void check_trusted(const std::string& path, const paths::User& user) {
  if (!user.is_root) return;
  // Its walk goes through links as we do, and knows whose they are.
  const paths::Entry entry(path, {}, user);
  if (!entry && entry.problem().error == EPERM) refuse_way(path, entry.problem());
  if (!entry || !entry.exists()) return;  // the loader says what is wrong
  check_folders(path, entry.path(), user);
  check_writers(path, entry.path(), entry.status(), user);
}

}  // namespace standpipe::plugin
