// SPDX-License-Identifier: Apache-2.0
#include "base/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"
#include "base/folder.h"
#include "base/opening.h"

namespace standpipe {
namespace {

constexpr const char* kHelpAnother = "set data_dir in one of them";

// " (process 1234)", as the holder wrote it; empty when it did not.
std::string holder(const std::string& file) {
  const auto opened = paths::open_existing(file, O_RDONLY, own_file());
  char text[16] = {};
  const auto n = opened ? ::pread(opened.fd(), text, sizeof text - 1, 0) : 0;
  std::string digits(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  return digits.empty() ? "" : " (process " + digits + ")";
}

bool leads_to(const std::string& path, int fd) {
  struct stat there {};
  return ::stat(path.c_str(), &there) == 0 && FileId{there.st_dev, there.st_ino} == FileId::of(fd);
}

// Where folders cannot be locked (NFS wants files that are open to write), and not because somebody else has the lock.
bool cannot_lock_folders(int error) { return error != EWOULDBLOCK && error != EINTR && error != ENOLCK; }

}  // namespace

DataFolder::DataFolder(std::string path, pid_t pid) : path_(std::move(path)), pid_(pid) {
  make_private_folders(path_);
  lock_ = fd_of(paths::open_existing(path_, O_RDONLY | O_DIRECTORY), "data_dir must belong to the hub's user");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && cannot_lock_folders(errno)) lock_ = open_file();
  take();
  write_holder(open_file());
}

DataFolder::DataFolder(std::string path, Fd lock) : path_(std::move(path)), pid_(::getpid()), lock_(std::move(lock)) {
  if (!is_at_its_path()) throw Failure("the lock that was handed over is not that of " + path_);
  take();
}

Fd DataFolder::open_file() const {
  return fd_of(paths::open_or_create(path_ + "/lock", O_RDWR, 0600, own_file()), "data_dir must belong to the hub's user");
}

void DataFolder::write_holder(const Fd& file) const {
  const auto text = std::to_string(pid_) + "\n";
  (void)!::ftruncate(file.get(), 0);  // a full disk costs the number, not the lock
  (void)!::pwrite(file.get(), text.data(), text.size(), 0);
}

bool DataFolder::is_at_its_path() const { return leads_to(path_, lock_.get()) || leads_to(path_ + "/lock", lock_.get()); }

void DataFolder::restore_file() const {
  struct stat there {};
  if (::lstat((path_ + "/lock").c_str(), &there) == 0) return;
  write_holder(open_file());
}

void DataFolder::take() {
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK)
    throw Failure::system("lock " + path_, errno, "its file system has no locks (flock): set data_dir to a folder on a local disk");
  throw Failure("another hub" + holder(path_ + "/lock") + " uses " + path_, kHelpAnother);
}

}  // namespace standpipe
