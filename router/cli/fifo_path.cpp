// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_path.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/failure.h"
#include "base/file_kind.h"
#include "source/create_fifo.h"
#include "source/gate.h"

namespace standpipe::cli {
namespace {

std::optional<struct stat> look_at(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) return st;
  return std::nullopt;
}

std::string owner_and_mode(const struct stat& st) {
  const auto* owner = ::getpwuid(st.st_uid);
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", st.st_mode & 07777u);
  return "owner " + (owner ? std::string(owner->pw_name) : std::to_string(st.st_uid)) + ", mode " +
         mode;
}

Failure no_permission(const std::string& path, const std::string& to_do_what,
                      const std::string& mode_bits) {
  const auto st = look_at(path);
  if (!st)
    return Failure("no permission to look for " + path,
                   "one of its folders is closed to you (x for you is missing)");
  return Failure("no permission to " + to_do_what + ' ' + path + " (" + owner_and_mode(*st) + ')',
                 "its owner can open it up: chmod " + mode_bits + ' ' + path);
}

NotYet missing(const std::string& path) {
  const auto folder = path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  if (!folder.empty() && !look_at(folder))
    return NotYet(path + " does not exist, nor does its folder",
                  "is the path right? a relative one begins in the current folder");
  return NotYet(path + " does not exist",
                "is the hub running? it creates the FIFO:  standpipe run CONFIG");
}

}  // namespace

void refuse_other_files(const std::string& path) {
  const auto st = look_at(path);
  if (!st || S_ISFIFO(st->st_mode)) return;
  if (S_ISREG(st->st_mode))
    throw Failure(
        path + " is a regular file, not a FIFO: someone wrote to it before a FIFO was made",
        "mv it away, then let the hub (or standpipe recv) make the FIFO");
  if (S_ISDIR(st->st_mode))
    throw Failure(path + " is a folder, not a FIFO", "name a FIFO inside it, e.g. " + path + "/in");
  throw Failure(path + " is " + file_kind(st->st_mode) + ", not a FIFO", "is the path right?");
}

// Decided by the FIFO's mode, also for root, who could open it.
void refuse_while_stopping(const std::string& path) {
  if (!source::is_closed(path)) return;
  throw NotYet("the hub that reads " + path + " is stopping: it takes no new writers",
               "send again when the next one runs; if none does (this one was killed):  standpipe "
               "run CONFIG");
}

Fd open_write_end(const std::string& path) {
  refuse_other_files(path);
  refuse_while_stopping(path);
  Fd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  const int error = errno;
  if (fd) {
    struct stat st {};
    if (::fstat(fd.get(), &st) == 0 && S_ISFIFO(st.st_mode)) return fd;
    throw Failure(path + " was replaced while it was being opened",
                  "find out who else writes to its folder");
  }
  if (error == ENXIO)
    throw NotYet("nobody reads " + path, "is the hub running?  standpipe run CONFIG");
  if (error == ENOENT || error == ENOTDIR) throw missing(path);
  if (error == EACCES) throw no_permission(path, "write to", "g+w");
  throw Failure::system("open " + path, error);
}

Fd open_read_end(const std::string& path, bool& created) {
  refuse_other_files(path);
  // Root names this path on purpose and only reads; the rules for root protect a hub, which nobody
  // watches.
  const source::FifoRequest request{.path = path, .trust_others = ::geteuid() == 0};
  const auto prepared = source::prepare_fifo(request);
  created = prepared.created;
  if (::access(path.c_str(), R_OK) != 0 && errno == EACCES)
    throw no_permission(path, "read from", "g+r");
  return source::open_read_end(request, prepared.id);
}

}  // namespace standpipe::cli
