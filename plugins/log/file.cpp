// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/error_text.h"
#include "tail.h"

namespace {

// O_NONBLOCK: opening a FIFO or a device by mistake must not hang. It means nothing for a file.
constexpr int kFlags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr int kAttempts = 16;  // against somebody who keeps moving the file away between our open and our lock

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void make_folders(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw standpipe::disconnected("cannot create the folder " + folder + ": " + error.message());
}

void sync_folder(const std::string& folder) {
  const common::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

[[noreturn]] void cannot_open(const std::string& path, int error) {
  const auto folder = folder_of(path);
  if (error == EISDIR) throw standpipe::fatal(path + " is a folder: give the path of a file");
  std::error_code unknown;
  if (error == ENOENT && !std::filesystem::exists(folder, unknown))
    throw standpipe::disconnected("cannot open " + path + ": the folder " + folder +
                                  " does not exist: make it, or set create_folders: true");
  if (error == EACCES || error == EPERM)
    throw standpipe::disconnected("cannot open " + path + ": " + common::error_text(error) +
                                  ": the router's user must be able to read and write it, and to create files in " + folder);
  throw standpipe::disconnected("cannot open " + path + ": " + common::error_text(error));
}

const char* type_text(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO: use the plugin forward for it";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device: log appends to files; for the screen use the plugin print";
  return "no regular file: log appends to files";
}

}  // namespace

LogFile::LogFile(const Request& request) : path_(request.path) {
  if (request.create_folders) make_folders(folder_of(path_));
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    open_or_create(request);
    check_type();
    if (!lock())
      throw standpipe::disconnected("another program or handler holds " + path_ +
                                    ": two writers would damage it; give each its own path");
    if (!still_has_its_name()) continue;  // moved away before we had the lock: the next one of this name is ours
    repaired_ = repair_tail(fd(), path_, request.format);
    return;
  }
  throw standpipe::disconnected(path_ + " is moved away each time it is opened");
}

void LogFile::open_or_create(const Request& request) {
  fd_ = common::Fd(::open(path_.c_str(), kFlags));
  if (fd_) return;
  if (errno == ENXIO) throw standpipe::fatal(path_ + " is no regular file: log appends to files");  // a socket
  if (errno != ENOENT) cannot_open(path_, errno);
  fd_ = common::Fd(::open(path_.c_str(), kFlags | O_CREAT, request.mode));
  if (!fd_) cannot_open(path_, errno);
  ::fchmod(fd(), request.mode);  // the umask does not weaken what was asked
  if (request.durable) sync_folder(folder_of(path_));
}

void LogFile::check_type() const {
  struct stat status {};
  if (::fstat(fd(), &status) != 0) cannot_open(path_, errno);
  if (!S_ISREG(status.st_mode)) throw standpipe::fatal(path_ + " is " + type_text(status.st_mode));
}

bool LogFile::lock() {
  if (::flock(fd(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw standpipe::disconnected("cannot lock " + path_ + ": " + common::error_text(errno));
}

std::uint64_t LogFile::size() const {
  struct stat status {};
  if (::fstat(fd(), &status) != 0) throw standpipe::disconnected("cannot look at " + path_ + ": " + common::error_text(errno));
  return static_cast<std::uint64_t>(status.st_size);
}

bool LogFile::still_has_its_name() const {
  struct stat named {};
  struct stat ours {};
  if (::stat(path_.c_str(), &named) != 0 || ::fstat(fd(), &ours) != 0) return false;
  return named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

std::optional<std::chrono::nanoseconds> LogFile::birth() const {
  struct statx status {};
  if (::statx(fd(), "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return std::nullopt;
  return std::chrono::seconds(status.stx_btime.tv_sec) + std::chrono::nanoseconds(status.stx_btime.tv_nsec);
}

int LogFile::sync() { return ::fdatasync(fd()) == 0 ? 0 : errno; }

int LogFile::cut_end(std::uint64_t bytes) {
  struct stat status {};
  if (::fstat(fd(), &status) != 0) return errno;
  const auto kept = status.st_size - static_cast<off_t>(bytes);
  return ::ftruncate(fd(), kept > 0 ? kept : 0) == 0 ? 0 : errno;
}
