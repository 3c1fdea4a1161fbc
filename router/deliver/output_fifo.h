// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/file_id.h"
#include "deliver/stage.h"
#include "plugin/handler.h"
#include "source/create_fifo.h"

namespace standpipe::deliver {

// The write end of a named FIFO that a reader takes from: who it is, whether it has a reader, and
// what a dead reader left in it.
//
// It is opened O_WRONLY | O_NONBLOCK, because O_RDWR would hide a missing reader and could read its
// own output. It stays open when the reader leaves, so that the pipe's content does not vanish
// unseen.
class OutputFifo {
 public:
  // `bytes`: how large the FIFO should be; 0: as the kernel makes it. `prepare`: creates the FIFO
  // when it is missing and that was asked for. Throws Failure.
  OutputFifo(const plugin::FifoOutputRequest& request, std::size_t bytes, bool prepare = true);

  const std::string& path() const { return request_.path; }
  FileId id() const { return id_; }
  bool created() const { return created_; }
  // How a FIFO that was there differs from what was asked for, or nothing (PreparedFifo::differs).
  const std::string& differs() const { return differs_; }
  int fd() const { return fifo_.get(); }

  // Opens the FIFO. false: nobody reads it yet. Throws Failure when it cannot be opened for another
  // reason.
  bool open();
  // One that an earlier worker opened.
  void adopt(Fd fifo);
  bool is_open() const { return static_cast<bool>(fifo_); }
  void close() { fifo_.reset(); }
  std::size_t capacity() const { return capacity_; }  // bytes, when it was opened
  // Somebody put another FIFO in this one's place: no reader will come to the old one again.
  bool was_replaced() const { return named() == source::Named::another_fifo; }
  source::Named named() const { return source::what_is_at(path(), id_); }
  // Makes the FIFO that is missing, for others to open; this one stays open. false: that was not
  // asked for. Throws Failure.
  bool make_again();
  bool has_reader() const;
  // Its mode lets other users write to it; as it was when it was opened.
  bool is_open_to_others() const { return open_to_others_; }
  // Bytes in the FIFO: ours, and those of others who write there.
  std::uint64_t waiting() const { return bytes_waiting(fifo_.get()); }

  // The reader is dead: looks at what it left, taking nothing. `same` is shown the bytes (as many
  // as can be looked at) and says whether they are ours; `failed` says why they cannot be seen (no
  // permission to read). The stage, which is emptied, serves as the place for the copy.
  struct Left {
    std::uint64_t bytes = 0;
    bool foreign = false;
    std::optional<std::string> failed = {};
  };
  Left peek_left(Stage& stage, const std::function<bool(std::span<const std::byte>)>& same);
  // Throws away that many bytes of it at most.
  void discard(std::uint64_t most);

 private:
  void prepare();
  Fd open_to_read() const;

  source::FifoRequest request_;
  std::size_t bytes_;
  std::string differs_;
  FileId id_;
  bool created_ = false;
  bool open_to_others_ = false;
  std::size_t capacity_ = 0;
  Fd fifo_;
};

}  // namespace standpipe::deliver
