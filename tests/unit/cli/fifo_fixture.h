// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <standpipe/wire.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "cli/fifo_reader.h"
#include "plugins/files.h"

namespace kit {

using standpipe::Fd;
using standpipe::cli::FifoReader;

inline std::string frame(std::string_view payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + std::string(payload);
}

inline void write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0) throw std::runtime_error("cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// A FIFO in a folder of its own.
class Fifo {
 public:
  Fifo() : path(folder_ / "fifo") {
    std::signal(SIGPIPE, SIG_IGN);
    if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("no FIFO");
  }
  Fd open_reader() const { return Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); }
  Fd open_writer() const { return Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)); }

 private:
  Folder folder_;

 public:
  std::string path;
};

// What is in the FIFO now.
inline std::string read_all(const Fd& fd) {
  std::string all(1 << 20, '\0');
  const auto n = ::read(fd.get(), all.data(), all.size());
  all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return all;
}

// Takes so many frames, waiting up to ten seconds for each.
inline std::vector<std::string> take(FifoReader& reader, std::size_t count) {
  std::vector<std::string> payloads;
  while (payloads.size() < count) {
    const auto next = reader.next_frame();
    if (next == FifoReader::Next::frame) {
      payloads.emplace_back(reader.payload());
      continue;
    }
    if (next != FifoReader::Next::nothing) throw std::runtime_error("truncated or too large");
    pollfd more{reader.wake_fd(), POLLIN, 0};
    if (::poll(&more, 1, 10'000) != 1) throw std::runtime_error("no more frames");
    reader.awake();
  }
  return payloads;
}

}  // namespace kit
