// SPDX-License-Identifier: Apache-2.0
#include "plugin/pinned_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/failure.h"
#include "base/sha256.h"
#include "base/text.h"

#ifndef MFD_EXEC  // of Linux 6.3
#define MFD_EXEC 0x0010U
#endif

namespace standpipe::plugin {
namespace {

constexpr std::size_t kPiece = 256 * KiB;

// Where vm.memfd_noexec is set, a file in memory may be loaded only if it is said so; older kernels
// do not know the flag.
Fd file_in_memory(const std::string& path) {
  const auto name = std::filesystem::path(path).filename().string().substr(0, 200);
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd file(::memfd_create(name.c_str(), kFlags | MFD_EXEC));
  if (!file && errno == EINVAL) file = Fd(::memfd_create(name.c_str(), kFlags));
  if (!file)
    throw Failure::system(
        "copy " + path + " into memory, to load just what is pinned", errno,
        errno == EACCES ? "sysctl vm.memfd_noexec forbids it: set it to 1 or 0" : "");
  return file;
}

Fd opened(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw Failure::system("open " + path, errno);
  if (!S_ISREG(status.st_mode)) throw Failure(path + " is not a regular file");
  return file;
}

void write_whole(const Fd& file, const std::vector<std::byte>& bytes, std::size_t count) {
  for (std::size_t at = 0; at < count;) {
    const auto n = ::write(file.get(), bytes.data() + at, count - at);
    if (n < 0 && errno != EINTR) throw Failure::system("write to a file in memory", errno);
    if (n > 0) at += static_cast<std::size_t>(n);
  }
}

void copy(const std::string& path, const Fd& from, const Fd& to) {
  std::vector<std::byte> piece(kPiece);
  for (std::uint64_t size = 0;;) {
    const auto n = ::read(from.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Failure::system("read " + path, errno);
    if (n == 0) return;
    size += static_cast<std::uint64_t>(n);
    if (size > kPinnedMost)
      throw Failure(path + " is larger than " + size_text(kPinnedMost) +
                    ", and a file that is pinned is copied into memory");
    write_whole(to, piece, static_cast<std::size_t>(n));
  }
}

std::string sha256_of(const Fd& file) {
  Sha256 sum;
  std::vector<std::byte> piece(kPiece);
  for (off_t at = 0;;) {
    const auto n = ::pread(file.get(), piece.data(), piece.size(), at);
    if (n < 0) throw Failure::system("read a file in memory", errno);
    if (n == 0) return hex_of(sum.digest());
    sum.add(std::span(piece).first(static_cast<std::size_t>(n)));
    at += n;
  }
}

}  // namespace

Fd pinned_copy(const std::string& path, const std::string& sha256) {
  auto file = file_in_memory(path);
  copy(path, opened(path), file);
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0)
    throw Failure::system("seal a file in memory", errno);
  if (const auto found = sha256_of(file); found != sha256)
    throw Failure(path + " is not the file that is pinned: its SHA-256 is " + found,
                  "if it is meant, write that after sha256");
  return file;
}

}  // namespace standpipe::plugin
