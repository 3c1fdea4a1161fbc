// SPDX-License-Identifier: Apache-2.0
#include "deliver/output.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kLookFirst = 1ms;  // for a reader that takes from a pipe that is not full
constexpr Nanoseconds kLookLast = 1s;
constexpr Nanoseconds kHurry = 20ms;           // the same, while a full log waits for it
constexpr std::size_t kPiecesMax = 512;        // a writev: 64 KiB of single 128-byte frames
constexpr std::uint64_t kTurnBytes = 1 * MiB;  // then others have their turn

}  // namespace

Output::Output(const plugin::FifoOutputRequest& request, std::size_t stage_bytes, std::size_t fifo_bytes, Reporter& reporter,
               std::function<void(Delivery&)> on_settled)
    : fifo_(request, stage_bytes, fifo_bytes), resend_(request.resend), reporter_(reporter), on_settled_(std::move(on_settled)) {
  pieces_.reserve(kPiecesMax);
  places_.reserve(kPiecesMax + 1);
}

void Output::send(Delivery& delivery, const Range& range, std::uint64_t bytes) {
  INVARIANT(bytes > 0 && range.count > 0, bytes, range.count);
  // What follows on a sending that was not begun yet becomes part of it: fewer, larger moves while a reader is slow.
  if (!sendings_.empty() && writing_.sending + 1 < sendings_.size()) {
    auto& last = sendings_.back();
    if (last.delivery == &delivery && last.range.end == range.begin && last.bytes < kBatchBytes) {
      last.range.end = range.end;
      last.range.count += range.count;
      last.bytes += bytes;
      return;
    }
  }
  sendings_.push_back({&delivery, range, bytes});
  if (writing_.sending + 1 == sendings_.size()) writing_ = {writing_.sending, range.begin, 0};
}

// ---- moving

bool Output::pump(Nanoseconds now) {
  const auto look_at = std::exchange(wake_at_, std::nullopt);
  hurried_ = hurried_ && !sendings_.empty();
  if (sendings_.empty()) return false;
  if (!ready_to_write()) {
    // Whatever else woke us must not put the next look off: readers that come and go quickly would never be met.
    const bool is_early = look_at && *look_at > now && pause_ > Nanoseconds(0);
    if (is_early)
      wake_at_ = look_at;
    else
      wait_more(now, kLookLast);
    return false;
  }
  std::uint64_t moved = 0;
  bool progress = true;
  while (progress && moved < kTurnBytes) {
    const auto filled = fill_stage();
    const auto pushed = fifo_.push();
    moved_ += pushed.bytes;
    moved += pushed.bytes;
    if (pushed.error) {
      fail(Failure::system("write " + path(), pushed.error));
      wait_more(now, kLookLast);
      return false;
    }
    if (pushed.reader_gone) {
      reader_died();
      if (!sendings_.empty()) wait_more(now, kLookLast);
      return false;
    }
    progress = filled + pushed.bytes > 0;
  }
  look();
  if (moved > 0) pause_ = {};
  if (!sendings_.empty()) wait_more(now, kLookLast);
  return progress;
}

bool Output::ready_to_write() {
  if (state_ == State::no_reader && fifo_.was_replaced()) {
    if (!sendings_.empty()) rewind(moved_);  // the new FIFO begins with a whole message
    fifo_.close();
    state_ = State::unopened;
  }
  if (state_ == State::no_reader && fifo_.has_reader()) state_ = State::flowing;
  if (state_ == State::unopened) try_open();
  return state_ == State::flowing;
}

void Output::try_open() {
  try {
    if (!fifo_.open()) return;
    state_ = State::flowing;
    ++openings_;
    pause_ = {};
    failed_ = false;
  } catch (const Failure& failure) {
    fail(failure);
  }
}

// Said once, until it works again; it is tried on and on.
void Output::fail(const Failure& failure) {
  if (!failed_) reporter_.error("output-failed", failure.what(), failure.help());
  failed_ = true;
}

// The next look: soon after something moved, then more and more seldom.
void Output::wait_more(Nanoseconds now, Nanoseconds most) {
  if (hurried_ && state_ == State::flowing) most = std::min(most, kHurry);
  pause_ = std::min(pause_ == Nanoseconds(0) ? kLookFirst : pause_ * 2, most);
  wake_at_ = now + pause_;
  if (state_ == State::flowing) {
    missing_reader_said_ = false;
  } else if (pause_ >= most && !failed_ && !missing_reader_said_) {
    missing_reader_said_ = true;
    reporter_.info(path() + ": nobody reads it; messages wait");
  }
}

void Output::hurry(Nanoseconds now) {
  if (sendings_.empty()) return;
  look();
  if (sendings_.empty() || state_ != State::flowing) return;
  hurried_ = true;
  if (wake_at_ && *wake_at_ <= now + kHurry) return;
  pause_ = std::min(pause_, kHurry);
  wake_at_ = now + kHurry;
}

std::size_t Output::fill_stage() {
  pieces_.clear();
  places_.clear();
  gather(pieces_, places_);
  const auto staged = fifo_.stage(pieces_);
  written_ += staged;
  auto left = staged;
  std::size_t i = 0;
  while (i < pieces_.size() && left >= pieces_[i].iov_len) left -= pieces_[i++].iov_len;
  writing_ = places_[i];
  writing_.skip += left;
  return staged;
}

// The bytes from writing_ on, as pieces of the logs; places[i] is where pieces[i] begins, and there is one more place than pieces.
void Output::gather(std::vector<iovec>& pieces, std::vector<Place>& places) const {
  Place place = writing_;
  auto room = fifo_.room();
  while (pieces.size() < kPiecesMax && room > 0) {
    Place begin;
    const auto bytes = next_bytes(place, begin);
    if (bytes.empty()) break;
    places.push_back(begin);
    // writev does not write into its pieces, for all that iovec is not const.
    pieces.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    room -= std::min(room, bytes.size());
  }
  places.push_back(place);
}

// The stream's next bytes that lie together; `place` moves behind them, `begin` is where they begin, on a frame and so much behind
// it. Empty: nothing more was asked for.
std::span<const std::byte> Output::next_bytes(Place& place, Place& begin) const {
  while (place.sending < sendings_.size()) {
    const auto& s = sendings_[place.sending];
    auto at = place.at;
    const auto piece = at < s.range.end ? s.delivery->log().read(at, s.delivery->bit()) : std::nullopt;
    if (!piece || piece->begin >= s.range.end) {
      ++place.sending;
      if (place.sending < sendings_.size()) place = {place.sending, sendings_[place.sending].range.begin, 0};
      continue;
    }
    const auto end = std::min(piece->end.position, s.range.end.position);
    begin = {place.sending, piece->begin, place.skip};
    place = {place.sending, end == piece->end.position ? piece->end : s.range.end, 0};
    return piece->bytes.first(end - piece->begin.position).subspan(begin.skip);
  }
  return {};
}

// ---- what the reader has taken

void Output::look() {
  if (state_ == State::unopened || sendings_.empty()) return;
  // Bytes that lay in the FIFO before ours, or that others write there, only make this smaller: safe.
  const auto waiting = fifo_.waiting();
  taken_ = std::max(taken_, moved_ - std::min(waiting, moved_));
  finish_front(taken_);
}

// Sendings that end at or before that mark are final.
void Output::finish_front(std::uint64_t up_to) {
  INVARIANT(up_to <= moved_ && moved_ <= written_, up_to, moved_, written_);
  while (!sendings_.empty() && sendings_.front().bytes <= up_to) {
    const auto front = sendings_.front();
    sendings_.pop_front();
    up_to -= front.bytes;
    taken_ -= std::min(taken_, front.bytes);
    moved_ -= front.bytes;
    written_ -= front.bytes;
    if (writing_.sending > 0)
      --writing_.sending;
    else
      writing_ = {0, sendings_.empty() ? log::Cursor{} : sendings_.front().range.begin, 0};  // it stood at the end of the front
    finish(*front.delivery, front.range);
  }
}

void Output::finish(Delivery& delivery, const Range& part) {
  delivery.finish(part);
  delivery.tally().delivered += part.count;
  on_settled_(delivery);
}

// ---- the reader's death

void Output::on_event(std::uint32_t events, Nanoseconds now) {
  if (!(events & EPOLLERR) || (state_ != State::unopened && fifo_.has_reader())) return;
  if (state_ == State::no_reader) pause_ = {};  // one has come and gone unseen: look soon for the next
  if (state_ != State::flowing) return;
  reader_died();
  if (!sendings_.empty()) wait_more(now, kLookLast);
}

void Output::reader_died() {
  look();
  state_ = State::no_reader;
  pause_ = {};
  if (!resend_) return leave_in_pipe();
  if (moved_ == taken_ && written_ == moved_ && taken_ == 0) return;
  const auto back = fifo_.take_back([this](auto left) { return left_by_reader_is_ours(left); });
  if (back.failed) {
    reporter_.warning("reader-died",
                      path() + ": its reader died, and what it left unread cannot be taken back (" + *back.failed +
                          "); the next reader gets it, perhaps from the middle of a message",
                      "let the hub's user read the FIFO as well, or set on_reader_death: count");
    return leave_in_pipe();
  }
  if (back.foreign) {
    reporter_.warning("others-write-here",
                      path() + ": its reader died, and the pipe holds bytes that others wrote; nothing is sent again",
                      "set on_reader_death: count where others write to the same FIFO");
    resend_ = false;
    return leave_in_pipe();
  }
  if (back.bytes < moved_ - taken_)
    reporter_.warning(
        "reader-overtook",
        path() + ": another reader opened it before the hub saw the first one go; it may have begun inside a message");
  rewind(taken_);
}

// What is in the pipe is the next reader's, and so is the rest of the message that lies in it in part.
void Output::leave_in_pipe() {
  fifo_.empty_stage();
  written_ = moved_;
  writing_ = place_of(moved_);
  finish_front(moved_);
}

bool Output::left_by_reader_is_ours(std::span<const std::byte> left) const {
  auto place = place_of(taken_);
  while (!left.empty()) {
    Place begin;
    const auto bytes = next_bytes(place, begin);
    const auto n = std::min(bytes.size(), left.size());
    if (n == 0 || std::memcmp(bytes.data(), left.data(), n) != 0) return false;
    left = left.subspan(n);
  }
  return true;
}

// The frame that the byte belongs to, and how far into it the byte is.
Output::Place Output::place_of(std::uint64_t offset) const {
  std::array<frame::Frame, 256> frames;
  for (std::size_t i = 0; i < sendings_.size(); ++i) {
    const auto& s = sendings_[i];
    if (offset >= s.bytes) {
      offset -= s.bytes;
      continue;
    }
    auto at = s.range.begin;
    while (const auto piece = s.delivery->log().read(at, s.delivery->bit())) {
      auto bytes = piece->bytes;
      at = piece->begin;
      while (!bytes.empty()) {
        const auto scan = s.delivery->codec().scan(bytes, frames);
        std::uint64_t begin = 0;
        for (std::size_t f = 0; f < scan.frames; ++f) {
          const std::uint64_t size = frames[f].end - begin;
          if (offset < size) return {i, at, offset};
          offset -= size;
          at = {at.position + size, at.sequence + 1};
          begin = frames[f].end;
        }
        bytes = bytes.subspan(scan.consumed);
      }
      at = piece->end;
    }
    INVARIANT(false, "a sending is shorter than it says", i, s.bytes);
  }
  return {sendings_.size(), {}, 0};
}

// Back to the beginning of the frame that `taken` is in: frames before it were taken whole and are final, and so the first sending
// begins there.
void Output::rewind(std::uint64_t taken) {
  taken_ = taken;
  const auto place = place_of(taken);
  finish_front(taken - place.skip);
  if (!sendings_.empty()) {
    auto& front = sendings_.front();
    const auto before = front.delivery->log().count_between(front.range.begin, place.at, front.delivery->bit());
    if (before > 0) {
      const Range part{front.range.begin, place.at, before};
      front.range = {place.at, front.range.end, front.range.count - before};
      front.bytes -= taken_ - place.skip;
      finish(*front.delivery, part);
    }
  }
  reset_marks();
}

void Output::reset_marks() {
  taken_ = moved_ = written_ = 0;
  writing_ = {};
  if (!sendings_.empty()) writing_.at = sendings_.front().range.begin;
}

bool Output::all_moved() const {
  if (sendings_.empty()) return true;
  std::uint64_t asked = 0;
  for (const auto& s : sendings_) asked += s.bytes;
  return state_ == State::flowing && moved_ == asked && fifo_.has_reader();
}

void Output::finish_frame() {
  if (state_ == State::flowing && !fifo_.has_reader()) reader_died();
  fifo_.empty_stage();
  if (state_ != State::flowing) {  // what waits for a reader is left to its log
    sendings_.clear();
    return reset_marks();
  }
  written_ = moved_;
  writing_ = place_of(moved_);
  if (writing_.sending >= sendings_.size()) return;
  sendings_.erase(sendings_.begin() + static_cast<std::ptrdiff_t>(writing_.sending) + 1, sendings_.end());
  auto& last = sendings_.back();
  const auto end = writing_.skip > 0 ? frame_end(last, writing_.at) : writing_.at;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i + 1 < sendings_.size(); ++i) before += sendings_[i].bytes;
  last.bytes = moved_ - writing_.skip - before + (end.position - writing_.at.position);
  last.range.count = last.delivery->log().count_between(last.range.begin, end, last.delivery->bit());
  last.range.end = end;
  if (last.bytes == 0) sendings_.pop_back();
}

log::Cursor Output::frame_end(const Sending& s, log::Cursor begin) const {
  frame::Frame frame{};
  const auto piece = s.delivery->log().read(begin, s.delivery->bit());
  INVARIANT(piece && s.delivery->codec().scan(piece->bytes, {&frame, 1}).frames == 1, begin.position.bytes);
  return {begin.position + frame.end, begin.sequence + 1};
}

void Output::stop() {
  if (state_ != State::flowing || !fifo_.has_reader()) return;
  look();
  const auto place = place_of(moved_);
  finish_front(moved_ - place.skip);
  if (!sendings_.empty()) rewind(moved_);
}

}  // namespace standpipe::deliver
