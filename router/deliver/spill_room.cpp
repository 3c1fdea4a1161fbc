// SPDX-License-Identifier: Apache-2.0
#include "deliver/spill_room.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/folder.h"
#include "base/opening.h"
#include "base/text.h"

namespace standpipe::deliver {

std::optional<Failure> SpillRoom::reserve(const std::string& data_dir, std::uint64_t bytes) try {
  if (bytes == 0) return std::nullopt;
  const auto name = data_dir + "/spill/room";
  make_private_folders(folder_of(name));
  file_ = fd_of(paths::open_or_create(name, O_RDWR, 0600, own_file()));
  (void)paths::Entry(name, own_file()).remove();
  if (::fallocate(file_.get(), 0, 0, static_cast<off_t>(bytes)) == 0) {
    bytes_ = bytes;
    return std::nullopt;
  }
  const int error = errno;
  file_.reset();  // a part of it is of no use: what fits is written anyway
  if (error != ENOSPC && error != EDQUOT && error != EFBIG) return std::nullopt;
  return Failure::system("reserve " + size_text(bytes) + " in " + folder_of(name), error,
                         "make room there before the hub has stopped");
} catch (const Failure& failure) {
  return failure;
}

void SpillRoom::give_back(std::uint64_t bytes) {
  if (!file_) return;
  bytes_ -= std::min(bytes_, bytes);
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0 || bytes_ == 0) file_.reset();
}

}  // namespace standpipe::deliver
