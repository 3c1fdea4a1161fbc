// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <standpipe/open.hpp>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fd.h"

// A message as it lies in a FIFO: its length, then itself.
std::string frame_of(std::string_view payload);

// The FIFO of one client, and the replies that wait for room in it, in order. Nothing here waits. A
// frame goes out whole or is continued: up to PIPE_BUF bytes are written at once, more of them in
// pieces, and all under the lock (flock) that writers of frames take.
class ReplyFifo {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class Wrote {
    all,
    some,   // or nothing: there is no room
    later,  // somebody else has the lock, or is about to be done
    gone    // why() says why nobody can get it
  };
  struct Waiting {
    std::string frame;
    std::size_t written = 0;  // bytes of it
    standpipe::Taken taken;
    Time until;  // it is not waited for longer
  };

  ReplyFifo(std::string path, standpipe::paths::Rules rules)
      : path_(std::move(path)), rules_(std::move(rules)) {}

  // Writes the frame from `written` on, which it moves on. A FIFO that was removed, or whose reader
  // left, is looked up anew: the client may have come back.
  Wrote write(std::string_view frame, std::size_t& written);
  // A frame that is not whole yet is abandoned: its reader sees its writer leave.
  void close();

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  const std::string& why() const { return why_; }

  std::deque<Waiting> waiting;
  std::size_t waiting_bytes = 0;
  bool is_watched = false;  // for room

 private:
  static constexpr std::chrono::seconds kNameCheckInterval{1};

  bool open();
  bool fails(std::string why);
  bool is_at_its_path();
  Wrote write_some(std::string_view frame, std::size_t& written);
  void unlock();

  std::string path_;
  standpipe::paths::Rules rules_;
  common::Fd fd_;
  bool has_lock_ = false;
  Time checked_{};  // when its name was last looked up
  std::string why_;
};
