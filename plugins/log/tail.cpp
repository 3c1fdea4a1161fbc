// SPDX-License-Identifier: Apache-2.0
#include "tail.h"

#include <standpipe/wire.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace {

std::string counted(std::uint64_t n, const char* noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); }

[[noreturn]] void cannot(const char* what, const std::string& path) {
  throw standpipe::disconnected(std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(errno));
}

// Reads headers out of a file through a window, so that many small frames cost few system calls and large ones are stepped over.
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
    if (n < 0) cannot("read", path_);
    if (n < STANDPIPE_WIRE_HEADER_BYTES) throw standpipe::disconnected(path_ + " shrank while it was read");
    start_ = offset;
    filled_ = static_cast<std::size_t>(n);
  }

  int fd_;
  const std::string& path_;
  std::vector<std::uint8_t> window_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
};

// A torn frame of ours has a length that a message can have. Four printable characters are text: as a length they exceed 512 MiB.
bool is_length(const std::uint8_t* header) {
  const bool printable = std::all_of(header, header + STANDPIPE_WIRE_HEADER_BYTES,
                                     [](std::uint8_t c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
  return !printable && standpipe_wire_get_length(header) <= STANDPIPE_WIRE_MESSAGE_MAX_LIMIT;
}

struct Walked {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;  // of whole frames
};

Walked walk_frames(int fd, const std::string& path, std::uint64_t size) {
  Headers headers(fd, path);
  Walked whole;
  while (whole.bytes + STANDPIPE_WIRE_HEADER_BYTES <= size) {
    const auto* header = headers.at(whole.bytes);
    const auto end = whole.bytes + STANDPIPE_WIRE_HEADER_BYTES + standpipe_wire_get_length(header);
    if (end > size && !is_length(header))
      throw standpipe::fatal(path + " does not hold frames (no length of a message at byte " + std::to_string(whole.bytes) +
                             "): move it away, or choose another path or format");
    if (end > size) break;
    whole.bytes = end;
    ++whole.frames;
  }
  return whole;
}

std::string repair_frames(int fd, const std::string& path, std::uint64_t size) {
  const auto whole = walk_frames(fd, path, size);
  if (whole.bytes == size) return {};
  if (::ftruncate(fd, static_cast<off_t>(whole.bytes)) != 0) cannot("cut the torn end off", path);
  return path + ": its last frame was cut short: " + counted(size - whole.bytes, "byte") + " cut off, " +
         counted(whole.frames, "frame") + " (" + counted(whole.bytes, "byte") + ") kept";
}

std::string repair_lines(int fd, const std::string& path, std::uint64_t size) {
  char last = '\n';
  if (::pread(fd, &last, 1, static_cast<off_t>(size) - 1) < 0) cannot("read", path);
  if (last == '\n') return {};
  if (::write(fd, "\n", 1) != 1) cannot("finish the torn last line of", path);
  return path + ": its last line was cut short: finished with a newline after " + counted(size, "byte") + ", all kept";
}

}  // namespace

std::string repair_tail(int fd, const std::string& path, Format format) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) cannot("look at", path);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) return {};
  return format == Format::frames ? repair_frames(fd, path, size) : repair_lines(fd, path, size);
}
