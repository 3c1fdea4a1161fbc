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
#include <cstring>

#include "base/failure.h"
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

std::string user_name(uid_t uid) {
  const auto* entry = ::getpwuid(uid);
  return entry ? std::string(entry->pw_name) : "user " + std::to_string(uid);
}

uid_t uid_of(const std::string& path, const std::optional<std::string>& owner) {
  if (!owner) return kNobody;
  if (const auto number = parse_integer(*owner); number && *number >= 0) return static_cast<uid_t>(*number);
  const auto* entry = ::getpwnam(owner->c_str());
  if (!entry)
    throw Failure("cannot create " + path + ": there is no user '" + *owner + "'", "create the user, or name another as owner:");
  return entry->pw_uid;
}

gid_t gid_of(const std::string& path, const std::optional<std::string>& group) {
  if (!group) return kNobody;
  if (const auto number = parse_integer(*group); number && *number >= 0) return static_cast<gid_t>(*number);
  const auto* entry = ::getgrnam(group->c_str());
  if (!entry)
    throw Failure("cannot create " + path + ": there is no group '" + *group + "'", "create the group, or name another as group:");
  return entry->gr_gid;
}

Failure not_a_fifo(const std::string& path, mode_t mode) {
  if (S_ISREG(mode))
    return Failure(path + " is a regular file, not a FIFO: someone wrote to it before the hub made it",
                   "mv " + path + " away and start the hub again");
  if (S_ISDIR(mode)) return Failure(path + " is a folder, not a FIFO", "name a FIFO inside it, e.g. " + path + "/in");
  if (S_ISSOCK(mode)) return Failure(path + " is a socket, not a FIFO", "choose another path for the FIFO");
  return Failure(path + " is a device, not a FIFO", "choose another path for the FIFO");
}

Failure create_failure(const std::string& path, int error) {
  const auto folder = folder_of(path);
  if (error == ENOENT) return Failure("cannot create " + path + ": the folder " + folder + " does not exist", "mkdir -p " + folder);
  if (error == EACCES || error == EPERM)
    return Failure("cannot create " + path + ": no permission to write in " + folder,
                   "run the hub as " + std::string("the folder's owner, or choose a folder of your own"));
  if (error == ENOTDIR) return Failure("cannot create " + path + ": a part of " + folder + " is not a folder");
  return Failure::system("create " + path, error);
}

// Links of our own or of root's are a choice; anybody else's in a shared folder would send our messages where they like.
void refuse_planted_link(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISLNK(st.st_mode)) return;
  if (st.st_uid == ::geteuid() || st.st_uid == 0) return;
  throw Failure(path + " is a symbolic link made by " + user_name(st.st_uid) + ", not by you",
                "remove it, or use a folder that only you may write to");
}

void refuse_planted_fifo(const std::string& path, const struct stat& st) {
  if (st.st_uid == ::geteuid() || st.st_uid == 0 || ::geteuid() == 0) return;
  struct stat folder {};
  if (::stat(folder_of(path).c_str(), &folder) != 0 || !(folder.st_mode & S_IWOTH)) return;
  throw Failure(path + " belongs to " + user_name(st.st_uid) + ", in a folder that anyone may write to",
                "remove it, or use a folder that only you may write to");
}

// The FIFO is made closed to everyone else and opened up only once it is ours and has its owner. By a descriptor that is no end of
// it: a read end that is opened for a moment would take the message of a writer that finds it, and lose it.
void give_away(const Fd& fd, const FifoRequest& request) {
  const auto itself = "/proc/self/fd/" + std::to_string(fd.get());  // fchmod does not take an O_PATH descriptor
  const auto uid = uid_of(request.path, request.owner);
  const auto gid = gid_of(request.path, request.group);
  if ((uid != kNobody || gid != kNobody) && ::chown(itself.c_str(), uid, gid) != 0)
    throw Failure::system("change the owner of " + request.path, errno,
                          "only root may give files away; leave owner: and group: out");
  if (::chmod(itself.c_str(), request.mode) != 0) throw Failure::system("set the mode of " + request.path, errno);
}

// An existing FIFO is somebody's choice and stays as it is; where the configuration says something else, that must be told.
std::string difference(const FifoRequest& request, const struct stat& st) {
  const auto mode = st.st_mode & 07777u;
  if (request.mode_matters && mode != request.mode)
    return "has mode " + mode_text(mode) + ", and the configuration says " + mode_text(request.mode);
  if (const auto uid = uid_of(request.path, request.owner); uid != kNobody && uid != st.st_uid)
    return "belongs to " + user_name(st.st_uid) + ", and the configuration says owner " + *request.owner;
  if (const auto gid = gid_of(request.path, request.group); gid != kNobody && gid != st.st_gid)
    return "belongs to group " + std::to_string(st.st_gid) + ", and the configuration says group " + *request.group;
  return {};
}

// A descriptor that reads and writes nothing, and that no other end of the FIFO notices.
Fd look(const std::string& path) { return Fd(::open(path.c_str(), O_PATH | O_CLOEXEC)); }

}  // namespace

PreparedFifo prepare_fifo(const FifoRequest& request) {
  const auto& path = request.path;
  bool created = false;
  if (request.create) {
    uid_of(path, request.owner);  // an unknown name must not leave a half-made FIFO behind
    gid_of(path, request.group);
    created = ::mkfifo(path.c_str(), 0600) == 0;
    if (!created && errno != EEXIST) throw create_failure(path, errno);
  }
  if (!created) refuse_planted_link(path);
  const auto fd = look(path);
  if (!fd && errno == ENOENT && request.create)
    throw Failure(path + " is a symbolic link to something that does not exist", "create what it points to, or remove the link");
  if (!fd && errno == ENOENT) throw Failure(path + " does not exist", "mkfifo " + path + ", or set create: true");
  if (!fd) throw Failure::system("open " + path, errno);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw Failure::system("look at " + path, errno);
  if (!S_ISFIFO(st.st_mode)) throw not_a_fifo(path, st.st_mode);
  PreparedFifo prepared{created, {st.st_dev, st.st_ino}};
  if (!created) {
    refuse_planted_fifo(path, st);
    prepared.differs = difference(request, st);
    return prepared;
  }
  try {
    give_away(fd, request);
  } catch (const Failure&) {
    ::unlink(path.c_str());
    throw;
  }
  return prepared;
}

Fd open_read_end(const std::string& path, FileId id) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd && (errno == EMFILE || errno == ENFILE))
    throw Failure::system("open " + path, errno, "raise the limit of open files: ulimit -n");
  if (!fd) throw Failure::system("open " + path + " to read", errno, "chmod u+r " + path + ", or run the hub as its owner");
  if (FileId::of(fd.get()) != id)
    throw Failure(path + " was replaced while it was being opened", "see who else writes to its folder");
  return fd;
}

}  // namespace standpipe::source
