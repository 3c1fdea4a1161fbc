// SPDX-License-Identifier: Apache-2.0
#include "base/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/failure.h"
#include "base/folder.h"
#include "base/opening.h"

namespace standpipe {
namespace {

constexpr const char* kHelpAnother = "set data_dir in one of them";

// " (process 1234)", as the holder wrote it; empty when it did not.
std::string holder(int fd) {
  char text[16] = {};
  const auto n = ::pread(fd, text, sizeof text - 1, 0);
  std::string digits(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  return digits.empty() ? "" : " (process " + digits + ")";
}

}  // namespace

DataFolder::DataFolder(std::string path, pid_t pid) : path_(std::move(path)) {
  make_private_folders(path_);
  const auto name = path_ + "/lock";
  lock_ = fd_of(paths::open_or_create(name, O_RDWR, 0600, own_file()), "data_dir must belong to the hub's user");
  take();
  const auto text = std::to_string(pid) + "\n";
  (void)!::ftruncate(lock_.get(), 0);  // a full disk costs the number, not the lock
  (void)!::pwrite(lock_.get(), text.data(), text.size(), 0);
}

DataFolder::DataFolder(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {
  const auto name = path_ + "/lock";
  struct stat st {};
  if (::stat(name.c_str(), &st) != 0) throw Failure::system("look at " + name, errno);
  if (FileId{st.st_dev, st.st_ino} != FileId::of(lock_.get())) throw Failure("the lock that was handed over is not " + name);
  take();
}

void DataFolder::take() {
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw Failure::system("lock " + path_ + "/lock", errno, "set data_dir to a folder on a local disk");
  throw Failure("another hub" + holder(lock_.get()) + " uses " + path_, kHelpAnother);
}

}  // namespace standpipe
