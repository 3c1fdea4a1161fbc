// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <standpipe/plugin.hpp>

#include "common/error_text.h"
#include "tail.h"

namespace paths = standpipe::paths;

namespace {

constexpr int kFlags = O_RDWR | O_APPEND;
constexpr int kAttempts =
    16;  // against somebody who keeps moving the file away between our open and our lock

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// `exists`: it is there, so its folder is not to blame.
[[noreturn]] void cannot_open(const std::string& path, const std::string& folder,
                              const paths::Problem& problem, bool exists = false) {
  const auto begin = "cannot open " + path + ": " + common::error_text(problem.error);
  if (problem.error == EISDIR)
    throw standpipe::fatal(path + " is a folder: give the path of a file");
  if (problem.error == EPERM) throw FileUnavailable(problem.whole(), exists);
  if (problem.error == ENOENT)
    throw FileUnavailable("cannot open " + path + ": the folder " + folder +
                              " does not exist: make it, or set create_folders: true",
                          exists);
  if (problem.error == EROFS)
    throw standpipe::disconnected(begin + ": choose a path on a disk that can be written to");
  if (problem.error == EACCES)
    throw FileUnavailable(
        begin + ": the hub's user must be able to read and write it, and to create files in " +
            folder,
        exists);
  if (problem.error == ETXTBSY || problem.error == ELOOP || problem.error == ENOTDIR)
    throw FileUnavailable(begin, exists);
  throw standpipe::disconnected(begin);
}

const char* type_text(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder: give the path of a file";
  if (S_ISFIFO(mode)) return "a FIFO: use the plugin forward for it";
  if (S_ISCHR(mode) || S_ISBLK(mode))
    return "a device: log appends to files; for the screen use the plugin print";
  return "not a regular file: log appends to files";
}

void check_type_of(const std::string& path, mode_t mode) {
  if (!S_ISREG(mode)) throw standpipe::fatal(path + " is " + type_text(mode));
}

}  // namespace

paths::Entry LogFile::place(const Request& request) {
  paths::Rules rules;
  rules.trust_others = request.trust_others;
  rules.exception = "set trust: others";
  if (request.create_folders) rules.make_folders = 0777;  // less the umask
  return paths::Entry(request.path, rules);
}

void LogFile::check_folder(const Request& request, const std::string& folder) {
  auto probe = request;
  probe.path = folder + "/.standpipe";  // any name: it is not opened
  const auto entry = place(probe);
  if (!entry) cannot_open(request.path, folder, entry.problem());
}

LogFile::LogFile(const Request& request) : path_(request.path) {
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    const auto entry = place(request);
    if (!entry) cannot_open(path_, folder_of(path_), entry.problem());
    open_or_create(entry, request);
    if (!fd_) continue;  // it came or went just now
    check_type();
    if (!lock())
      throw FileUnavailable("another program or handler holds " + path_ +
                                ": two writers would damage it; give each its own path",
                            true);
    if (!is_at(place(request)))
      continue;  // moved away before we had the lock: the next one of this name is ours
    const auto repair = repair_tail(fd(), entry, path_, request.format);
    if (!repair.reported.empty()) remark(repair.reported);
    if (!repair.was_moved) return;
  }
  throw FileUnavailable(path_ + " is moved away each time it is opened", true);
}

void LogFile::open_or_create(const paths::Entry& entry, const Request& request) {
  if (entry.exists()) check_type_of(path_, entry.status().st_mode);
  auto opened = entry.exists() ? entry.open(kFlags) : entry.create(kFlags, request.mode);
  const int error = opened.problem().error;
  fd_ = common::Fd(opened.release());
  if (error == EEXIST || error == ESTALE || (entry.exists() && error == ENOENT)) return;
  if (error != 0) cannot_open(path_, folder_of(path_), opened.problem(), entry.exists());
  if (entry.exists()) return;
  ::fchmod(fd(), request.mode);  // the umask does not weaken what was asked
  if (request.durable) (void)entry.sync_folder();
}

void LogFile::check_type() const {
  struct stat status {};
  if (::fstat(fd(), &status) != 0)
    throw standpipe::disconnected("cannot look at " + path_ + ": " + common::error_text(errno));
  check_type_of(path_, status.st_mode);
}

// A file system that has no locks costs the protection, not the log.
bool LogFile::lock() {
  if (::flock(fd(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  remark(path_ + " cannot be locked (" + common::error_text(errno) +
         "): its file system has no locks, so a second writer would not be noticed");
  return true;
}

void LogFile::remark(const std::string& text) { remarks_ += (remarks_.empty() ? "" : "; ") + text; }

LogFile::State LogFile::state() const {
  struct stat status {};
  if (::fstat(fd(), &status) != 0)
    throw standpipe::disconnected("cannot look at " + path_ + ": " + common::error_text(errno));
  return {static_cast<std::uint64_t>(status.st_size), status.st_nlink == 0};
}

bool LogFile::is_at(const paths::Entry& entry) const {
  struct stat ours {};
  if (!entry || !entry.exists() || ::fstat(fd(), &ours) != 0) return false;
  return entry.status().st_dev == ours.st_dev && entry.status().st_ino == ours.st_ino;
}

bool LogFile::still_has_its_name() const {
  struct stat named {};
  struct stat ours {};
  if (::stat(path_.c_str(), &named) != 0 || ::fstat(fd(), &ours) != 0) return false;
  return named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

std::optional<std::chrono::nanoseconds> LogFile::birth() const {
  struct statx status {};
  if (::statx(fd(), "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 ||
      !(status.stx_mask & STATX_BTIME))
    return std::nullopt;
  return std::chrono::seconds(status.stx_btime.tv_sec) +
         std::chrono::nanoseconds(status.stx_btime.tv_nsec);
}

int LogFile::sync() { return ::fdatasync(fd()) == 0 ? 0 : errno; }

int LogFile::cut_end(std::uint64_t bytes) {
  struct stat status {};
  if (::fstat(fd(), &status) != 0) return errno;
  const auto kept = status.st_size - static_cast<off_t>(bytes);
  return ::ftruncate(fd(), kept > 0 ? kept : 0) == 0 ? 0 : errno;
}
