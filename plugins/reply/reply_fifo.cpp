// SPDX-License-Identifier: Apache-2.0
#include "reply_fifo.h"

#include <fcntl.h>
#include <standpipe/client/send.h>
#include <standpipe/wire.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "common/error_text.h"

std::string frame_of(std::string_view payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  std::string frame;
  frame.reserve(sizeof header + payload.size());
  frame.append(reinterpret_cast<const char*>(header), sizeof header).append(payload);
  return frame;
}

ReplyFifo::Wrote ReplyFifo::write(std::string_view frame, std::size_t& written) {
  for (int turn = 0; turn < 2; ++turn) {
    if (is_open() && written == 0 && !is_at_its_path()) close();
    if (!is_open()) {
      written = 0;  // whoever reads now has seen nothing of it
      if (!open()) return Wrote::gone;
    }
    const auto wrote = write_some(frame, written);
    if (wrote != Wrote::gone) return wrote;
    close();
  }
  why_ = "nobody reads " + path_;
  return Wrote::gone;
}

ReplyFifo::Wrote ReplyFifo::write_some(std::string_view frame, std::size_t& written) {
  if (!has_lock_ && ::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) return Wrote::later;
  has_lock_ = true;
  while (written < frame.size()) {
    const auto n =
        standpipe_client_write(fd_.get(), frame.data() + written, frame.size() - written);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      const bool is_full = errno == EAGAIN;
      if (written == 0 || !is_full) unlock();
      return is_full ? Wrote::some : Wrote::gone;
    }
  }
  unlock();
  return Wrote::all;
}

void ReplyFifo::unlock() {
  (void)::flock(fd_.get(), LOCK_UN);
  has_lock_ = false;
}

void ReplyFifo::close() {
  fd_ = common::Fd();
  has_lock_ = is_watched = false;
}

bool ReplyFifo::open() {
  const standpipe::paths::Entry entry(path_, rules_);
  if (!entry) {
    const bool is_missing = entry.problem().error == ENOENT;
    return fails(is_missing ? path_ + " does not exist" : entry.problem().whole());
  }
  if (!entry.exists()) return fails(path_ + " does not exist");
  if (!S_ISFIFO(entry.status().st_mode)) return fails(path_ + " is not a FIFO");
  auto opened = entry.open(O_WRONLY | O_NONBLOCK);
  const int error = opened.problem().error;
  if (!opened) return fails(error == ENXIO ? "nobody reads " + path_ : opened.problem().whole());
  fd_ = common::Fd(opened.release());
  checked_ = std::chrono::steady_clock::now();
  return true;
}

bool ReplyFifo::fails(std::string why) {
  why_ = std::move(why);
  return false;
}

// That it was removed is seen at once. That another one has its name costs a look of its own.
bool ReplyFifo::is_at_its_path() {
  struct stat mine {
  }, named{};
  if (::fstat(fd_.get(), &mine) != 0 || mine.st_nlink == 0) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - checked_ < kNameCheckInterval) return true;
  checked_ = now;
  return ::lstat(path_.c_str(), &named) == 0 && named.st_dev == mine.st_dev &&
         named.st_ino == mine.st_ino;
}
