// SPDX-License-Identifier: Apache-2.0
#include "source/create_fifo.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "base/failure.h"
#include "base/file_id.h"
#include "base/file_kind.h"
#include "base/text.h"

namespace standpipe::source {
namespace {

constexpr unsigned kNobody = static_cast<unsigned>(-1);  // chown: leave as it is

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string mode_text(unsigned mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777u);
  return text.data();
}

uid_t uid_of(const std::string& path, const std::optional<std::string>& owner) {
  if (!owner) return kNobody;
  if (const auto number = parse_integer(*owner); number && *number >= 0)
    return static_cast<uid_t>(*number);
  const auto* entry = ::getpwnam(owner->c_str());
  if (!entry)
    throw WrongConfiguration("cannot create " + path + ": there is no user '" + *owner + "'",
                             "create the user, or name another as owner:");
  return entry->pw_uid;
}

gid_t gid_of(const std::string& path, const std::optional<std::string>& group) {
  if (!group) return kNobody;
  if (const auto number = parse_integer(*group); number && *number >= 0)
    return static_cast<gid_t>(*number);
  const auto* entry = ::getgrnam(group->c_str());
  if (!entry)
    throw WrongConfiguration("cannot create " + path + ": there is no group '" + *group + "'",
                             "create the group, or name another as group:");
  return entry->gr_gid;
}

WrongConfiguration not_a_fifo(const std::string& path, mode_t mode) {
  if (S_ISREG(mode))
    return WrongConfiguration(
        path + " is a regular file, not a FIFO: someone wrote to it before the hub made it",
        "name another path; or, if nobody needs what is in it, mv " + path + " away and try again");
  if (S_ISDIR(mode))
    return WrongConfiguration(path + " is a folder, not a FIFO",
                              "name a FIFO inside it, e.g. " + path + "/in");
  return WrongConfiguration(path + " is " + file_kind(mode) + ", not a FIFO",
                            "choose another path for the FIFO");
}

[[noreturn]] void throw_cannot_create(const std::string& path, int error) {
  const auto folder = folder_of(path);
  if (error == ENOENT)
    throw Failure("cannot create " + path + ": the folder " + folder + " does not exist",
                  "mkdir -p " + folder);
  // A file system without FIFOs (FAT, some of FUSE) also answers EPERM, although permission is not
  // what is missing.
  const bool may_write = ::faccessat(AT_FDCWD, folder.c_str(), W_OK, AT_EACCESS) == 0;
  if (error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || (error == EPERM && may_write))
    throw Failure("cannot create " + path + ": the file system of " + folder + " has no FIFOs",
                  "choose a folder on another one, e.g. below /run");
  if (error == EROFS)
    throw Failure("cannot create " + path + ": the file system of " + folder + " is read-only",
                  "choose a folder on another one, e.g. below /run");
  if (error == EACCES || error == EPERM)
    throw Failure(
        "cannot create " + path + ": no permission to write in " + folder,
        "run the hub as " + std::string("the folder's owner, or choose a folder of your own"));
  if (error == ENOTDIR)
    throw WrongConfiguration("cannot create " + path + ": a part of " + folder +
                             " is not a folder");
  throw Failure::system("create " + path, error);
}

// The FIFO is created closed to everyone else and opened up only when it is ours and has its owner.
// This uses a descriptor that is not an end of it: a read end, even a short-lived one, would take
// the message of a writer that finds it, and lose it.
void give_away(const Fd& fd, const FifoRequest& request) {
  const auto itself =
      "/proc/self/fd/" + std::to_string(fd.get());  // fchmod does not take an O_PATH descriptor
  const auto uid = uid_of(request.path, request.owner);
  const auto gid = gid_of(request.path, request.group);
  if ((uid != kNobody || gid != kNobody) && ::chown(itself.c_str(), uid, gid) != 0)
    throw Failure::system("change the owner of " + request.path, errno,
                          "only root may give files away; leave owner: and group: out");
  if (::chmod(itself.c_str(), request.mode) == 0) return;
  const bool has_none =
      errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;  // it is our own FIFO
  throw Failure::system(
      "set the mode of " + request.path, errno,
      has_none ? "its file system has no modes: choose a folder on another one, e.g. below /run"
               : "");
}

// An existing FIFO is somebody's choice and stays as it is; if the configuration asks for something
// else, that must be reported.
std::string difference(const FifoRequest& request, const struct stat& st) {
  const auto mode = st.st_mode & 07777u;
  if (request.mode_matters && mode != request.mode)
    return "has mode " + mode_text(mode) + ", and the configuration says " +
           mode_text(request.mode);
  if (const auto uid = uid_of(request.path, request.owner); uid != kNobody && uid != st.st_uid)
    return "belongs to " + paths::user_name(st.st_uid) + ", and the configuration says owner " +
           *request.owner;
  if (const auto gid = gid_of(request.path, request.group); gid != kNobody && gid != st.st_gid)
    return "belongs to group " + std::to_string(st.st_gid) + ", and the configuration says group " +
           *request.group;
  return {};
}

// What stands at the path. It is not opened: an O_PATH descriptor reads and writes nothing, and no
// other end of the FIFO notices it.
paths::Entry look_at_fifo(const FifoRequest& request) {
  paths::Entry entry(request.path, rules_of(request));
  const auto& problem = entry.problem();
  if (!entry && request.create && problem.error != EPERM && problem.error != ELOOP)
    throw_cannot_create(request.path, problem.error);
  if (!entry) throw WrongConfiguration(failure_of(problem));  // others may write there
  return entry;
}

PreparedFifo existing_fifo(const FifoRequest& request, const paths::Entry& entry) {
  const auto& st = entry.status();
  if (!S_ISFIFO(st.st_mode)) throw not_a_fifo(request.path, st.st_mode);
  return {.created = false, .id = FileId::of(st), .differs = difference(request, st)};
}

PreparedFifo made_fifo(const FifoRequest& request) {
  const auto entry = look_at_fifo(request);  // anew, because only now something stands there
  if (!entry.exists())
    throw Failure(request.path + " was removed while it was being made",
                  "find out who else writes to its folder");
  const auto prepared = existing_fifo(request, entry);
  try {
    give_away(fd_of(entry.open(O_PATH)), request);
  } catch (const Failure&) {
    (void)entry.remove();
    throw;
  }
  return {.created = true, .id = prepared.id};
}

// Nothing stands at the path.
void check_may_make(const FifoRequest& request, const paths::Entry& entry) {
  const auto& path = request.path;
  if (entry.followed() && request.create)
    throw Failure(path + " is a symbolic link to something that does not exist",
                  "create what it points to, or remove the link");
  if (!request.create)
    throw Failure(path + " does not exist", "mkfifo " + path + ", or set create: true");
}

// The rights to make one.
void check_can_make(const FifoRequest& request) {
  const auto& path = request.path;
  if (::faccessat(AT_FDCWD, folder_of(path).c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    throw_cannot_create(path, errno);
  const auto uid = uid_of(path, request.owner);
  if (uid != kNobody && uid != ::geteuid() && ::geteuid() != 0)
    throw Failure("cannot give " + path + " to " + *request.owner + ": only root may do that",
                  "run the hub as root, or leave owner: out");
}

}  // namespace

FifoRequest request_of(const SourceOptions& source) {
  return {.path = source.path,
          .mode = source.mode,
          .mode_matters = source.mode_given,
          .owner = source.owner,
          .group = source.group,
          .trust_others = source.trust_others};
}

paths::Rules rules_of(const FifoRequest& request) {
  paths::Rules rules;
  rules.trust_others = request.trust_others;
  rules.exception = "set trust: others";
  if (request.owner) rules.owner = uid_of(request.path, request.owner);
  return rules;
}

Named what_is_at(const std::string& path, FileId id) {
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0) return Named::nothing;
  if (FileId::of(there) == id) return Named::ours;
  return S_ISFIFO(there.st_mode) ? Named::another_fifo : Named::no_fifo;
}

PreparedFifo prepare_fifo(const FifoRequest& request) {
  const auto& path = request.path;
  const auto entry =
      look_at_fifo(request);  // also refuses an unknown owner, before there is a half-made FIFO
  gid_of(path, request.group);
  if (entry.exists()) return existing_fifo(request, entry);
  check_may_make(request, entry);
  const int error = entry.make_fifo(0600);
  if (error == EEXIST)
    return existing_fifo(request, look_at_fifo(request));  // somebody was quicker
  if (error != 0) throw_cannot_create(path, error);
  return made_fifo(request);
}

std::optional<PreparedFifo> inspect_fifo(const FifoRequest& request) {
  const auto entry = look_at_fifo(request);
  gid_of(request.path, request.group);
  if (entry.exists()) return existing_fifo(request, entry);
  check_may_make(request, entry);
  check_can_make(request);
  return std::nullopt;
}

Fd open_read_end(const FifoRequest& request, FileId id) {
  const auto& path = request.path;
  auto opened = paths::open_existing(path, O_RDONLY, rules_of(request));
  const int error = opened.problem().error;
  if (error == EMFILE || error == ENFILE)
    throw Failure::system("open " + path, error, "raise the limit of open files: ulimit -n");
  if (error == EACCES)
    throw Failure::system("open " + path + " to read", error,
                          "chmod u+r " + path + ", or run the hub as its owner");
  auto fd = fd_of(std::move(opened));
  if (FileId::of(fd.get()) != id)
    throw Failure(path + " was replaced while it was being opened",
                  "find out who else writes to its folder");
  return fd;
}

}  // namespace standpipe::source
