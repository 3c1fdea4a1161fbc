// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "plugin/handler.h"
#include "source/create_fifo.h"

namespace standpipe::deliver {

// The write end of a named FIFO that a reader drains, and the stage before it. Bytes go log -> stage (a copy) -> FIFO (by
// reference), so that what moved can always be told from our side: the stage is ours, whatever becomes of the reader.
//
// Opened O_WRONLY | O_NONBLOCK: O_RDWR would hide a missing reader and could read its own output. Kept open when the reader leaves,
// so that the pipe's content does not vanish unseen.
class OutputFifo {
 public:
  // `prepare`: creates the FIFO when it is missing and that was asked for. Throws Failure.
  OutputFifo(const plugin::FifoOutputRequest& request, std::size_t stage_bytes, std::size_t fifo_bytes, bool prepare = true);

  const std::string& path() const { return path_; }
  FileId id() const { return id_; }
  bool created() const { return created_; }
  int fd() const { return fifo_.get(); }

  // Opens the FIFO. false: nobody reads it yet. Throws Failure when it cannot be opened for another reason.
  bool open();
  void close();
  // Somebody put another FIFO in this one's place: no reader will come to the old one again.
  std::size_t capacity() const { return capacity_; }  // bytes, when it was opened
  bool was_replaced() const { return named() == source::Named::another_fifo; }
  source::Named named() const { return source::what_is_at(path_, id_); }
  // Makes the FIFO that is missing, for others to open; this one stays open. false: that was not asked for. Throws Failure.
  bool make_again();
  bool has_reader() const;
  // Its mode lets other users write to it; as it was when it was opened.
  bool is_open_to_others() const { return open_to_others_; }

  // Copies into the stage; returns the bytes that found room. Nothing lies ahead.
  std::size_t stage(std::span<const iovec> pieces);
  // What happened to the stage's content.
  struct Pushed {
    std::size_t bytes = 0;
    bool reader_gone = false;
    int error = 0;  // what the kernel said that is no condition of a FIFO
  };
  Pushed push();
  std::uint64_t staged() const { return staged_; }
  // For a relay: bytes that nobody asked for yet lie ahead of what is staged. They are not pushed until they are claimed.
  std::uint64_t ahead() const { return ahead_; }
  void tee_ahead(const Pipe& from, std::size_t most);  // by reference; `from` keeps them
  std::uint64_t copy_ahead(std::span<const std::byte> bytes);
  void claim(std::uint64_t bytes);
  std::size_t stage_bytes() const { return stage_.capacity; }
  // Bytes that the stage may have room for; a pipe can be full earlier, by its slots.
  std::size_t room() const { return stage_.capacity - std::min<std::size_t>(stage_.capacity, staged_ + ahead_); }
  // Bytes in the FIFO: ours, and those of others who write there.
  std::uint64_t waiting() const { return bytes_waiting(fifo_.get()); }

  // The reader is dead: looks at what it left, taking nothing. `same` is shown the bytes (as many as can be looked at) and says
  // whether they are ours; `failed` says why they cannot be seen (no permission to read). Empties the stage.
  struct Left {
    std::uint64_t bytes = 0;
    bool foreign = false;
    std::optional<std::string> failed = {};
  };
  Left look_at_left(const std::function<bool(std::span<const std::byte>)>& same);
  // Throws away that many bytes of it at most.
  void drain(std::uint64_t most);
  void empty_stage();

  // ---- for the worker's successor
  void adopt(Fd fifo, Fd stage_out, Fd stage_in);
  bool is_open() const { return static_cast<bool>(fifo_); }
  int stage_in() const { return stage_.write_end.get(); }
  int stage_out() const { return stage_.read_end.get(); }
  std::uint64_t in_stage() const { return bytes_waiting(stage_.read_end.get()); }

 private:
  source::FifoRequest request() const { return {.path = path_, .mode = mode_, .create = create_, .trust_others = trust_others_}; }
  void prepare();
  Fd open_to_read() const;
  iovec join(std::span<const iovec> pieces);

  std::string path_;
  unsigned mode_;
  bool create_;
  bool trust_others_;
  FileId id_;
  bool created_ = false;
  bool open_to_others_ = false;
  std::size_t stage_bytes_;
  std::size_t fifo_bytes_;
  std::size_t capacity_ = 0;
  std::uint64_t staged_ = 0;
  std::uint64_t ahead_ = 0;
  Pipe stage_;
  std::vector<std::byte> joined_;
  Fd fifo_;
};

}  // namespace standpipe::deliver
