// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_dump.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/limits.h"
#include "base/opening.h"

namespace standpipe::worker {
namespace {

constexpr int kCopiesMost = 10'000;

Fd make_file(const std::string& data_dir, std::string& path) {
  for (int n = 1; n <= kCopiesMost; ++n) {
    path = data_dir + "/memory-" + std::to_string(n);
    const paths::Entry entry(path, own_file());
    if (entry && entry.exists()) continue;
    auto file = entry ? entry.create(O_WRONLY, 0600) : paths::Opened(entry.problem());
    if (file || file.problem().error != EEXIST) return fd_of(std::move(file));
  }
  throw Failure("there are " + std::to_string(kCopiesMost) + " copies of a memory in " + data_dir,
                "mv them away");
}

// From `begin` to `end` of the memory, to the same place.
void copy(int from, const Fd& to, off_t begin, off_t end) {
  std::vector<char> piece(1 * MiB);
  while (begin < end) {
    const auto most =
        static_cast<std::size_t>(std::min<off_t>(end - begin, static_cast<off_t>(piece.size())));
    const auto got = ::pread(from, piece.data(), most, begin);
    if (got <= 0) throw Failure::system("read the memory", got < 0 ? errno : EIO);
    for (ssize_t done = 0; done < got;) {
      const auto put = ::pwrite(to.get(), piece.data() + done, static_cast<std::size_t>(got - done),
                                begin + done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) throw Failure::system("write", put < 0 ? errno : EIO);
      done += put;
    }
    begin += got;
  }
}

void copy_what_is_there(int memory, const Fd& file) {
  struct stat st {};
  if (::fstat(memory, &st) != 0 || ::ftruncate(file.get(), st.st_size) != 0)
    throw Failure::system("write", errno);
  for (off_t at = 0; (at = ::lseek(memory, at, SEEK_DATA)) >= 0;) {
    const auto end = ::lseek(memory, at, SEEK_HOLE);
    copy(memory, file, at, end);
    at = end;
  }
  if (errno != ENXIO) throw Failure::system("look at the memory", errno);  // ENXIO: no data after
  if (::fsync(file.get()) != 0) throw Failure::system("write", errno);
}

}  // namespace

std::string dump_memory(int memory, const std::string& data_dir) {
  make_private_folders(data_dir);
  std::string path;
  const auto file = make_file(data_dir, path);
  try {
    copy_what_is_there(memory, file);
  } catch (const Failure& failure) {
    throw failure.in(path + " has only a part of the memory");
  }
  if (const int problem = sync_folder(data_dir)) throw Failure::system("write " + path, problem);
  return path;
}

}  // namespace standpipe::worker
