// SPDX-License-Identifier: Apache-2.0
#include "tail.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/stat.h>
#include <unistd.h>
#include <standpipe/plugin.hpp>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/error_text.h"
#include "common/fd.h"

namespace paths = standpipe::paths;

namespace {

std::string counted(std::uint64_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

[[noreturn]] void cannot(const char* what, const std::string& path, int error) {
  throw standpipe::disconnected(std::string("cannot ") + what + " " + path + ": " +
                                common::error_text(error));
}

// Reads headers out of a file through a window, so that many small frames cost few system calls and
// large ones are stepped over.
class Headers {
 public:
  Headers(int fd, const std::string& path) : fd_(fd), path_(path), window_(kWindowBytes) {}

  const std::uint8_t* at(std::uint64_t offset) {
    if (offset < start_ || offset + STANDPIPE_WIRE_HEADER_BYTES > start_ + filled_) fill(offset);
    return window_.data() + (offset - start_);
  }

 private:
  static constexpr std::size_t kWindowBytes = 64 * 1024;

  void fill(std::uint64_t offset) {
    const auto n = ::pread(fd_, window_.data(), window_.size(), static_cast<off_t>(offset));
    if (n < 0) cannot("read", path_, errno);
    if (n < STANDPIPE_WIRE_HEADER_BYTES)
      throw standpipe::disconnected(path_ + " shrank while it was read");
    start_ = offset;
    filled_ = static_cast<std::size_t>(n);
  }

  int fd_;
  const std::string& path_;
  std::vector<std::uint8_t> window_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
};

// A truncated frame of ours has a length that a message can have. Four printable characters are
// text: as a length they exceed 512 MiB.
bool is_length(const std::uint8_t* header) {
  const bool printable =
      std::all_of(header, header + STANDPIPE_WIRE_HEADER_BYTES, [](std::uint8_t c) {
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
      });
  return !printable && standpipe_wire_get_length(header) <= STANDPIPE_WIRE_MESSAGE_MAX_LIMIT;
}

struct Walked {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;  // of whole frames
  bool ends_truncated =
      false;  // after them lies the beginning of a frame; else something that is none
};

Walked walk_frames(int fd, const std::string& path, std::uint64_t size) {
  Headers headers(fd, path);
  Walked whole;
  while (whole.bytes + STANDPIPE_WIRE_HEADER_BYTES <= size) {
    const auto* header = headers.at(whole.bytes);
    const auto end = whole.bytes + STANDPIPE_WIRE_HEADER_BYTES + standpipe_wire_get_length(header);
    if (end > size) {
      whole.ends_truncated = is_length(header);
      return whole;
    }
    whole.bytes = end;
    ++whole.frames;
  }
  whole.ends_truncated = whole.bytes < size;  // a part of a length
  return whole;
}

constexpr unsigned kDamagedMost = 1000;  // files: whoever has so many never looked

// Does `attempt` with NAME.damaged-1, -2, ... until one of them does not exist yet. Returns the
// name.
template <class Attempt>
std::string under_free_name(const paths::Entry& entry, const std::string& path, Attempt attempt) {
  for (unsigned n = 1; n <= kDamagedMost; ++n) {
    auto name = entry.name() + ".damaged-" + std::to_string(n);
    const int error = attempt(name);
    if (error == 0) return name;
    if (error != EEXIST) cannot("keep what is damaged of", path, error);
  }
  throw standpipe::disconnected(path + ": there are " + std::to_string(kDamagedMost) +
                                " damaged files beside it: remove them");
}

// By a second name, because that fails where something is; a file system that has none (vfat) is
// looked at first.
int move_aside(const paths::Entry& entry, const std::string& name) {
  if (::linkat(entry.folder(), entry.name().c_str(), entry.folder(), name.c_str(), 0) == 0)
    return entry.remove();
  if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK) return errno;
  struct stat status {};
  return entry.status_of(name, status) == 0 ? EEXIST : entry.rename_to(name);
}

int copy_end(int from, std::uint64_t begin, std::uint64_t end, int to) {
  std::vector<char> piece(256 * 1024);
  while (begin < end) {
    const auto most = std::min<std::uint64_t>(piece.size(), end - begin);
    const auto got = ::pread(from, piece.data(), most, static_cast<off_t>(begin));
    if (got <= 0) return got < 0 ? errno : EIO;
    for (ssize_t done = 0; done < got;) {
      const auto put = ::write(to, piece.data() + done, static_cast<std::size_t>(got - done));
      if (put <= 0) return put < 0 ? errno : EIO;
      done += put;
    }
    begin += static_cast<std::uint64_t>(got);
  }
  return ::fsync(to) == 0 ? 0 : errno;
}

// The end of the file, in a file of that name. Nothing of it stays when it cannot be had whole.
int keep_end(int fd, std::uint64_t begin, std::uint64_t end, mode_t mode, const paths::Entry& entry,
             const std::string& name) {
  const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const common::Fd kept(::openat(entry.folder(), name.c_str(), how, mode & 0777));
  if (!kept) return errno;
  const int error = copy_end(fd, begin, end, kept.get());
  if (error != 0) (void)::unlinkat(entry.folder(), name.c_str(), 0);
  return error;
}

Repair repair_frames(int fd, const paths::Entry& entry, const std::string& path,
                     const struct stat& status) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto whole = walk_frames(fd, path, size);
  if (whole.bytes == size) return {};
  if (whole.frames == 0 || !whole.ends_truncated) {
    const auto name = under_free_name(
        entry, path, [&](const std::string& free) { return move_aside(entry, free); });
    return {path + " does not hold frames (no whole frame at byte " + std::to_string(whole.bytes) +
                " of " + std::to_string(size) + "): it is kept as " + name +
                ", and a new file begins",
            true};
  }
  const auto name = under_free_name(entry, path, [&](const std::string& free) {
    return keep_end(fd, whole.bytes, size, status.st_mode, entry, free);
  });
  if (::ftruncate(fd, static_cast<off_t>(whole.bytes)) != 0)
    cannot("cut the truncated end off", path, errno);
  return {path + ": its last frame was truncated: " + counted(size - whole.bytes, "byte") +
              " cut off and kept as " + name + ", " + counted(whole.frames, "frame") + " (" +
              counted(whole.bytes, "byte") + ") stay",
          false};
}

Repair repair_lines(int fd, const std::string& path, std::uint64_t size) {
  char last = '\n';
  if (::pread(fd, &last, 1, static_cast<off_t>(size) - 1) < 0) cannot("read", path, errno);
  if (last == '\n') return {};
  if (::write(fd, "\n", 1) != 1) cannot("finish the truncated last line of", path, errno);
  return {path + ": its last line was truncated: finished with a newline after " +
              counted(size, "byte") + ", all kept",
          false};
}

}  // namespace

Repair repair_tail(int fd, const paths::Entry& entry, const std::string& path, Format format) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) cannot("look at", path, errno);
  if (status.st_size == 0) return {};
  if (format == Format::frames) return repair_frames(fd, entry, path, status);
  return repair_lines(fd, path, static_cast<std::uint64_t>(status.st_size));
}
