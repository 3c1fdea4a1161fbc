// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"

// How a source's FIFO is closed while its hub stops, so that whatever a writer was told was sent is
// saved, and everything else is refused.
//
//   open -> closed to new openings -> sealed -> open again, and nobody reads
//
// Closed: the mode is 0000, so nobody can open the FIFO (root can); who has it open continues
// writing. Sealed: the FIFO is full of one page of ours, so every write waits, and fails with EPIPE
// when the last read end is closed. Between the two the hub has read the FIFO to its end; nothing
// can come in afterwards, however long the hub still has it open.
//
// The page stays in the FIFO as long as somebody has an end of it open. So a hub that finds it
// knows that writers from before the stop may still be there.
namespace standpipe::source {

// ---- the mode

inline bool is_closed(const struct stat& st) {
  return S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0;
}
bool is_closed(const std::string& path);
// nullopt: it is closed already, or cannot be seen.
std::optional<unsigned> mode_of(int fd);
bool set_mode(int fd, unsigned mode);
// A FIFO that a hub left closed when it was killed, and that cannot be opened for that. false: it
// is not a closed FIFO, or is not ours.
bool open_again(const std::string& path, unsigned mode);

// ---- the seal

constexpr std::size_t kSealBytes = 4096;

class Seal {
 public:
  // Opens a write end: from here on the FIFO never looks as if its writers had gone. `fd`: its read
  // end.
  Seal(int fd, std::uint64_t id);

  // false: this hub may not write to it, so it cannot be sealed.
  bool possible() const { return static_cast<bool>(write_end_); }
  // Call it at once after a read that may have emptied the FIFO. true: it is sealed; the page is
  // all that it holds.
  bool set();

 private:
  int fd_;
  std::uint64_t id_;
  Fd write_end_;
  bool small_ = false;  // one page is all that it holds
};

// Whose seal the FIFO has; nullopt: none. The stage is empty, and is empty again.
std::optional<std::uint64_t> seal_of(int fd, const Pipe& stage);
// Takes the page out. `capacity`: what the FIFO held before; 0: as usual.
void break_seal(int fd, std::size_t capacity, const Pipe& stage, int dev_null);

}  // namespace standpipe::source
