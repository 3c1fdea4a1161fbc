// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_claim.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "base/failure.h"
#include "base/file_locks.h"
#include "base/lock_holders.h"

namespace standpipe::source {
namespace {

constexpr off_t kFirstByte = off_t{1} << 40;  // far behind whatever anybody else may lock
constexpr off_t kBytes = off_t{1} << 32;      // one for each process id

struct flock claim_on(short type, off_t begin, off_t bytes) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = begin;
  lock.l_len = bytes;
  return lock;
}

// The process that holds a claim through another open file.
std::optional<pid_t> other_claim(int read_end) {
  auto lock = claim_on(F_WRLCK, kFirstByte, kBytes);
  if (::fcntl(read_end, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return static_cast<pid_t>(lock.l_start - kFirstByte);
}

// The hub whose claim that lock is.
std::optional<pid_t> claimant_in(const FileLock& lock, const FileId& fifo) {
  const auto byte = static_cast<off_t>(lock.first_byte);
  if (lock.kind != "OFDLCK" || lock.file != fifo || byte <= kFirstByte ||
      byte >= kFirstByte + kBytes)
    return std::nullopt;
  return static_cast<pid_t>(byte - kFirstByte);
}

Failure refusal(const std::string& path, int read_end, pid_t other, pid_t hub) {
  const auto process = std::to_string(other);
  if (other == hub)
    return Failure("another source reads " + path + ", by this path or another",
                   "give each source a FIFO of its own");
  if (::kill(other, 0) != 0 && errno == ESRCH) {
    const auto holders = lock_holders(read_end);
    return Failure(
        path + " is still read by what a hub that is gone (process " + process + ") left running" +
            (holders.empty() ? "" : ": " + processes_text(holders)),
        holders.empty() ? "find it and end it, as root: fuser -v " + path : how_to_end(holders));
  }
  return Failure(
      "another hub (process " + process + ") reads " + path + "; each would get pieces of messages",
      "stop that one, or give this source a FIFO of its own");
}

}  // namespace

std::optional<pid_t> claimant(const FileId& fifo) {
  for (const auto& lock : file_locks())
    if (const auto hub = claimant_in(lock, fifo)) return hub;
  return std::nullopt;
}

// First the claim, then the check: of two hubs that start together at least one sees the other.
void claim_fifo(const std::string& path, int read_end, pid_t hub) {
  auto lock = claim_on(F_RDLCK, kFirstByte + hub, 1);
  if (::fcntl(read_end, F_OFD_SETLK, &lock) != 0) return;
  const auto other = other_claim(read_end);
  if (!other) return;
  lock.l_type = F_UNLCK;
  (void)::fcntl(read_end, F_OFD_SETLK, &lock);
  throw refusal(path, read_end, *other, hub);
}

}  // namespace standpipe::source
