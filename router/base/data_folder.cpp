// SPDX-License-Identifier: Apache-2.0
#include "base/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/failure.h"
#include "base/file_id.h"
#include "base/file_locks.h"
#include "base/folder.h"
#include "base/lock_holders.h"
#include "base/opening.h"
#include "base/own_place.h"
#include "base/text.h"

namespace standpipe {
namespace {

constexpr const char* kHelpAnother = "set data_dir in one of them";

// The process id that the holder wrote; 0 when it wrote none.
pid_t holder(const std::string& file) {
  const auto opened = paths::open_existing(file, O_RDONLY, own_file());
  char text[16] = {};
  const auto n = opened ? ::pread(opened.fd(), text, sizeof text - 1, 0) : 0;
  std::string digits(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  return static_cast<pid_t>(parse_integer(digits).value_or(0));
}

// A lock lasts in every process that has a copy of its descriptor, whatever became of the hub.
Failure refusal(const std::string& path, int folder, pid_t hub) {
  const auto holders = lock_holders(folder);
  const bool is_gone = hub != 0 && ::kill(hub, 0) != 0 && errno == ESRCH;
  if (is_gone && !holders.empty())
    return Failure(path + " is still locked by what a hub that is gone (process " +
                       std::to_string(hub) + ") left running: " + processes_text(holders),
                   how_to_end(holders));
  if (is_gone)
    return Failure(path + " is still locked by something that a hub which is gone (process " +
                       std::to_string(hub) + ") left running",
                   "find it and end it, as root: fuser -v " + path);
  const auto process = hub != 0 ? hub : holders.empty() ? 0 : holders.front();
  return Failure("another hub" + (process ? " (process " + std::to_string(process) + ")" : "") +
                     " uses " + path,
                 kHelpAnother);
}

bool leads_to(const std::string& path, int fd) { return FileId::at(path) == FileId::of(fd); }

// Where folders cannot be locked (NFS wants files that are open to write), and not because somebody
// else has the lock.
bool cannot_lock_folders(int error) {
  return error != EWOULDBLOCK && error != EINTR && error != ENOLCK;
}

}  // namespace

DataFolder::DataFolder(std::string path, pid_t pid) : path_(std::move(path)), pid_(pid) {
  make_private_folders(path_);
  lock_ = fd_of(paths::open_existing(path_, O_RDONLY | O_DIRECTORY),
                "data_dir must belong to the hub's user");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && cannot_lock_folders(errno))
    lock_ = open_file();
  lock_folder();
  // The number is for people, so something else in its place is no reason to refuse the folder.
  if (OwnPlace(path_ + "/lock", OwnPlace::Kind::file).fault().empty()) write_holder(open_file());
}

DataFolder::DataFolder(std::string path, Fd lock)
    : path_(std::move(path)), pid_(::getpid()), lock_(std::move(lock)) {
  if (!is_at_its_path()) throw Failure("the lock that was handed over is not that of " + path_);
  lock_folder();
}

Fd DataFolder::open_file() const {
  auto opened = paths::open_or_create(path_ + "/lock", O_RDWR, 0600, own_file());
  const bool is_read_only = opened.problem().error == EROFS;
  return fd_of(std::move(opened), is_read_only
                                      ? "set data_dir to a folder on a disk that can be written to"
                                      : "data_dir must belong to the hub's user, and " + path_ +
                                            "/lock be a file, or nothing");
}

std::optional<pid_t> DataFolder::holder_of(const std::string& path) {
  const auto folder = FileId::at(path), file = FileId::at(path + "/lock");
  for (const auto& lock : file_locks())
    if (lock.kind == "FLOCK" && (lock.file == folder || lock.file == file))
      return holder(path + "/lock");
  return std::nullopt;
}

void DataFolder::write_holder(const Fd& file) const {
  const auto text = std::to_string(pid_) + "\n";
  (void)!::ftruncate(file.get(), 0);  // a full disk costs the number, not the lock
  (void)!::pwrite(file.get(), text.data(), text.size(), 0);
}

bool DataFolder::is_at_its_path() const {
  return leads_to(path_, lock_.get()) || leads_to(path_ + "/lock", lock_.get());
}

void DataFolder::restore_file() const {
  struct stat there {};
  if (::lstat((path_ + "/lock").c_str(), &there) == 0) return;
  write_holder(open_file());
}

void DataFolder::lock_folder() {
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK)
    throw Failure::system(
        "lock " + path_, errno,
        "its file system has no locks (flock): set data_dir to a folder on a local disk");
  throw refusal(path_, lock_.get(), holder(path_ + "/lock"));
}

}  // namespace standpipe
