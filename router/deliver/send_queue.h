// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "deliver/delivery.h"
#include "deliver/settlement_observer.h"
#include "state/persistent.h"
#include "state/persistent_deque.h"

namespace standpipe::deliver {

// The deliveries that may send to an output.
class Senders {
 public:
  // Throws state::Memory::Damaged when there is none of that id.
  virtual Delivery& delivery_with(std::uint32_t id) = 0;
  // Messages of it are to be sent again, perhaps elsewhere: its handler has something to do.
  virtual void returned(Delivery& delivery) = 0;

 protected:
  ~Senders() = default;
};

// What one output was asked to send and is not final yet, in order. Each entry is a range of one
// delivery's messages. The frames of all entries, one after the other, are a stream of bytes, with
// three marks along it:
//
//   0 = begin of the first entry <= taken by the peer <= moved on to it <= written into the stage
//
// Entries, `taken` and `moved` outlive the worker. What was only written is thrown away after a
// death and written again, for the logs still have it. An entry is final when `taken` has passed
// it; until then its delivery's log holds the messages. So the queue says which frame a byte
// belongs to.
//
// It knows nothing of descriptors: an Endpoint moves the bytes and updates the marks. The caller
// commits. One thread.
class SendQueue {
 public:
  struct Entry {
    std::uint32_t delivery;
    Range range;
    std::uint64_t bytes;
  };
  // Where a byte stands: in a frame of an entry.
  struct StreamPosition {
    std::size_t entry = 0;
    log::Cursor at = {};     // the frame's beginning in the entry's log
    std::uint64_t skip = 0;  // bytes after it
  };
  using OnFinal = std::function<void(const Delivery&, const Range&)>;

  // In records of that name; what an earlier worker left there is found, and then `recover` is to
  // be called. `on_final` is called for all that became final, after it was counted.
  SendQueue(state::Memory& memory, const std::string& name, Senders& senders,
            SettlementObserver& observer, OnFinal on_final);
  // Claims the open ranges of the deliveries. Throws state::Memory::Damaged when the marks are out
  // of order.
  void recover();
  void validate() const;

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const Entry& operator[](std::size_t i) const { return entries_[i]; }
  const Entry& back() const { return entries_.back(); }
  Delivery& delivery_of(const Entry& entry) const { return senders_.delivery_with(entry.delivery); }
  Delivery& delivery_with(std::uint32_t id) const { return senders_.delivery_with(id); }
  std::uint64_t bytes() const;  // of all entries
  // Whether `more` entries find room, besides what `batches` calls in progress may come to.
  bool accepts(std::size_t batches) const {
    return size() < kJournalEntries && size() + (batches + 1) * kBatchMessages <= Entries::kMax;
  }
  // The range is open in the delivery; `bytes` is its length on the wire.
  void push(const Delivery& delivery, const Range& range, std::uint64_t bytes);

  // ---- the marks
  std::uint64_t taken() const { return marks_->taken; }
  std::uint64_t moved() const { return marks_->moved; }
  std::uint64_t written() const { return written_; }
  const StreamPosition& writing() const {
    return writing_;
  }  // where the next byte to be written stands
  // That many bytes more were written; the next one stands at `next`.
  void wrote(std::uint64_t bytes, const StreamPosition& next);
  void move(std::uint64_t bytes) { marks_.edit().moved += bytes; }
  // The peer has taken all up to that mark.
  void mark_taken(std::uint64_t up_to);
  // Entries that end at or before that mark are final.
  void settle(std::uint64_t up_to);
  // Whole messages before what the peer has taken are final, also those of an entry of which more
  // is to come. The marks stay at the bytes where they are.
  void finish_taken();
  // The peer has all whole messages up to that mark and no more: they are final, and all marks go
  // back to the beginning of the frame that it stands in.
  void rewind(std::uint64_t taken);
  // What was written and has not moved is to be written again.
  void write_again();

  // ---- the end of a run
  // No further message is started: those after the one that `writing` stands in go back to their
  // deliveries.
  void end_after_frame();
  void give_back_all();

  // ---- the stream
  // Its bytes from `place` on, in pieces that lie together, while `take(begin, bytes)` says true;
  // `place` moves after those. `begin` is where a piece begins.
  template <class Take>
  void each_piece(StreamPosition& place, Take take) const;
  // The next bytes that lie together; `place` moves after them, `begin` is where they begin. Empty:
  // nothing more was asked for.
  std::span<const std::byte> next_bytes(StreamPosition& place, StreamPosition& begin) const;
  bool has_more_to_write() const;
  // The bytes from `writing` on, in pieces of the logs: about `most` bytes, a piece more or less.
  // places[i] is where pieces[i] begins, and there is one more place than pieces.
  void gather(std::vector<iovec>& pieces, std::vector<StreamPosition>& places,
              std::uint64_t most) const;
  StreamPosition place_of(std::uint64_t offset) const;
  // Whether the stream continues with these bytes from that mark.
  bool is_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  // Behind the frame that begins there.
  log::Cursor frame_end(const StreamPosition& place) const;

 private:
  static constexpr std::size_t kPiecesMax = 512;  // a writev: 64 KiB of single 128-byte frames
  using Entries = state::PersistentDeque<Entry>;
  struct Marks {
    std::uint64_t taken, moved;  // bytes since the first entry's begin
  };

  void finish(Delivery& delivery, const Range& part);
  void give_back_from(std::size_t first);
  void reset_marks();

  state::Memory& memory_;
  Senders& senders_;
  SettlementObserver& observer_;
  OnFinal on_final_;
  state::Persistent<Marks> marks_;
  Entries entries_;
  StreamPosition writing_;
  std::uint64_t written_ = 0;  // bytes since the first entry's begin
};

template <class Take>
void SendQueue::each_piece(StreamPosition& place, Take take) const {
  bool continues = true;
  while (continues && place.entry < size()) {
    const auto& entry = entries_[place.entry];
    const auto& delivery = delivery_of(entry);
    auto at = place.at;
    if (at < entry.range.end)
      delivery.log().read_each(at, delivery.bit(), [&](const log::Piece& piece) {
        if (piece.begin >= entry.range.end) return false;
        const bool is_cut = entry.range.end < piece.end;
        const auto& end = is_cut ? entry.range.end : piece.end;
        const auto bytes = piece.bytes.first(end.position - piece.begin.position);
        continues =
            take(StreamPosition{place.entry, piece.begin, place.skip}, bytes.subspan(place.skip));
        if (continues) place = {place.entry, end, 0};
        return continues && !is_cut;
      });
    if (!continues) return;
    ++place.entry;
    if (place.entry < size()) place = {place.entry, entries_[place.entry].range.begin, 0};
  }
}

}  // namespace standpipe::deliver
