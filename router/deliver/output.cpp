// SPDX-License-Identifier: Apache-2.0
#include "deliver/output.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"

namespace standpipe::deliver {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kHurry = 20ms;           // the same, while a full log waits for it
constexpr std::size_t kPiecesMax = 512;        // a writev: 64 KiB of single 128-byte frames
constexpr std::uint64_t kTurnBytes = 1 * MiB;  // then others have their turn
constexpr std::string_view kRecordPrefix = "output/";

}  // namespace

Output::Output(const plugin::FifoOutputRequest& request, Around around, Made made)
    : fifo_(request, around.stage_bytes, around.fifo_bytes, made == Made::now), around_(std::move(around)), request_(request) {
  pieces_.reserve(kPiecesMax);
  places_.reserve(kPiecesMax + 1);
}

// ---- what outlives the worker

std::vector<plugin::FifoOutputRequest> Output::kept(const log::Memory& memory) {
  std::vector<plugin::FifoOutputRequest> requests;
  for (const auto& name : memory.records(kRecordPrefix)) {
    const auto bytes = memory.find(name);
    if (bytes.size() != sizeof(Record)) throw log::Memory::Damaged("an output's record has another size");
    const auto& record = *reinterpret_cast<const Record*>(bytes.data());
    requests.push_back({name.substr(kRecordPrefix.size()), record.mode, record.create != 0, record.resend != 0, record.trust != 0});
  }
  return requests;
}

void Output::attach(log::Memory& memory, keeper::Link& link, std::uint32_t index) {
  memory_ = &memory;
  link_ = &link;
  index_ = index;
  const auto name = std::string(kRecordPrefix) + request_.path;
  const bool known = memory.has_record(name);
  journal_.emplace(Journal{{memory, name}, {memory, "sendings/" + request_.path}, {memory, "taken/" + request_.path}});
  if (known) return take_up();
  auto& fresh = journal_->record.edit();
  fresh.mode = request_.mode;
  fresh.create = request_.create;
  fresh.resend = request_.resend;
  fresh.trust = request_.trust_others;
  commit();
}

// What is in the stage is thrown away: the logs have it. Only how much of it had gone on into the FIFO must be found.
void Output::take_up() {
  for (std::size_t i = 0; i < sendings().size(); ++i) delivery_of(sendings()[i]).take_up(sendings()[i].range);
  const auto of = [&](const char* what) { return link_->take(kept_name(what)); };
  auto fifo = of("fifo"), in = of("stage-in"), out = of("stage-out");
  const bool mine = memory_->step() == log::Step::push && memory_->step_index() == index_;
  if (fifo && in && out) {
    fifo_.adopt(std::move(*fifo), std::move(*out), std::move(*in));
    if (mine) {
      const auto had = memory_->step_moved();
      journal_->record.edit().moved += had - std::min<std::uint64_t>(had, fifo_.in_stage());
    }
    state_ = State::flowing;
    ++openings_;
  }
  if (mine) memory_->end();
  believe();
  commit();  // until here a successor needs what is in the stage: it tells what has not gone on
  fifo_.empty_stage();
  written_ = moved();
  writing_ = place_of(moved());
  if (fifo_.is_open()) {
    seen_waiting_ = fifo_.waiting();
    lock_.recover(fd(), writing_.skip > 0, now_);
  }
  if (!fifo_.is_open()) {
    if (moved() > 0) rewind(journal_->record->draining ? taken() : moved());  // cannot be: nothing moves before the keeper has it
    journal_->record.edit().draining = 0;
  } else if (journal_->record->draining) {
    take_back_rest();
  } else if (!fifo_.has_reader()) {
    reader_died();
  }
  commit();
}

// The marks are in order, and whoever sent is there.
void Output::believe() {
  std::uint64_t asked = 0;
  for (std::size_t i = 0; i < sendings().size(); ++i) asked += sendings()[i].bytes;
  if (taken() > moved() || moved() > asked) throw log::Memory::Damaged("an output's marks are out of order");
  auto& last = journal_->last_taken;
  last_taken_bytes_ = 0;
  for (std::size_t i = 0; i < last.size(); ++i) {
    (void)around_.delivery(last[i].delivery);
    last_taken_bytes_ += last[i].bytes;
  }
}

// What the keeper knows one of its descriptors by.
std::string Output::kept_name(const char* what) const { return "output/" + std::to_string(index_) + '/' + what; }

// The keeper has it before the first byte goes there.
void Output::keep_open(const char* what, int fd) { link_->keep(kept_name(what), fd); }

void Output::send(Delivery& delivery, const Range& range, std::uint64_t bytes) {
  INVARIANT(bytes > 0 && range.count > 0, bytes, range.count);
  // What follows on a sending that was not begun yet becomes part of it: fewer, larger moves while a reader is slow.
  if (!sendings().empty() && writing_.sending + 1 < sendings().size()) {
    const auto& last = sendings().back();
    if (last.delivery == delivery.id() && last.range.end == range.begin && last.bytes < kBatchBytes) {
      auto& longer = sendings().edit(sendings().size() - 1);
      longer.range.end = range.end;
      longer.range.count += range.count;
      longer.bytes += bytes;
      return;
    }
  }
  sendings().push_back({delivery.id(), range, bytes});
  if (writing_.sending + 1 == sendings().size()) writing_ = {writing_.sending, range.begin, 0};
}

// ---- moving

bool Output::pump(Nanoseconds now) {
  now_ = now;
  const auto look_at = std::exchange(wake_at_, std::nullopt);
  hurried_ = hurried_ && !sendings().empty();
  if (sendings().empty()) {
    end_turn(now);
    return false;
  }
  if (!ready_to_write()) {
    // Whatever else woke us must not put the next look off: readers that come and go quickly would never be met.
    const bool is_early = look_at && *look_at > now && pause_ > Nanoseconds(0);
    if (is_early)
      wake_at_ = look_at;
    else
      wait_more(now, kLookLast);
    return false;
  }
  const bool waits_for_reader = !lock_.is_held() && !has_more_to_move();
  if (waits_for_reader || !may_write(now)) {
    look();
    if (sendings().empty()) return false;
    wait_more(now, kLookLast);
    if (!waits_for_reader) wake_at_ = std::min(*wake_at_, lock_.retry_at());
    return false;
  }
  const bool more = move(now);
  end_turn(now);
  return more && lock_.is_held();
}

// Through the stage into the FIFO, what that takes. true: it stopped for fairness.
bool Output::move(Nanoseconds now) {
  std::uint64_t sum = 0;
  bool progress = true;
  while (progress && sum < kTurnBytes) {
    const auto filled = others_write() || ends_frame_ ? stage_whole() : fill_stage();
    const auto pushed = push();
    sum += pushed.bytes;
    if (pushed.error) {
      fail(Failure::system("write " + path(), pushed.error));
      wait_more(now, kLookLast);
      return false;
    }
    if (pushed.reader_gone) {
      reader_died();
      if (!sendings().empty()) wait_more(now, kLookLast);
      return false;
    }
    progress = filled + pushed.bytes > 0;
  }
  look();
  if (sum > 0) pause_ = {};
  if (!sendings().empty()) wait_more(now, kLookLast);
  return progress;
}

OutputFifo::Pushed Output::push() {
  if (fifo_.staged() == 0) return {};
  memory_->begin(log::Step::push, index_, fifo_.staged() + fifo_.ahead());
  const auto pushed = fifo_.push();
  auto& record = journal_->record.edit();
  record.moved += pushed.bytes;
  pushed_since_ += pushed.bytes;
  record.relayed += std::exchange(claimed_, 0);
  if (pushed.bytes > 0) memory_->count_progress();
  memory_->end();
  commit();
  return pushed;
}

bool Output::ready_to_write() {
  if (state_ == State::no_reader && fifo_.was_replaced()) {
    if (!sendings().empty()) rewind(moved());  // the new FIFO begins with a whole message
    end_turn_of_reader();
    fifo_.close();
    for (const char* what : {"fifo", "stage-in", "stage-out"}) link_->forget(kept_name(what));
    commit();
    state_ = State::unopened;
  }
  if (state_ == State::no_reader && fifo_.has_reader()) state_ = State::flowing;
  if (state_ == State::unopened) try_open();
  return state_ == State::flowing;
}

void Output::try_open() {
  try {
    if (!fifo_.open()) return;
    keep_open("stage-in", fifo_.stage_in());
    keep_open("stage-out", fifo_.stage_out());
    keep_open("fifo", fifo_.fd());
    state_ = State::flowing;
    seen_waiting_ = fifo_.waiting();
    pushed_since_ = 0;
    ++openings_;
    pause_ = {};
    failed_ = false;
  } catch (const Failure& failure) {
    fail(failure);
  }
}

// Said once, until it works again; it is tried on and on.
void Output::fail(const Failure& failure) {
  if (!failed_) around_.reporter.error("output-failed", failure.what(), failure.help());
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
    around_.reporter.info(path() + ": nobody reads it; messages wait");
  }
}

void Output::hurry(Nanoseconds now) {
  if (sendings().empty()) return;
  look();
  if (sendings().empty() || state_ != State::flowing) return;
  hurried_ = true;
  if (wake_at_ && *wake_at_ <= now + kHurry) return;
  pause_ = std::min(pause_, kHurry);
  wake_at_ = now + kHurry;
}

std::size_t Output::fill_stage() {
  moves_at_once_ = false;
  if (fifo_.ahead() > 0) {
    const auto claimed = claim_ahead();
    if (claimed > 0 || fifo_.ahead() > 0) return claimed;
  }
  pieces_.clear();
  places_.clear();
  gather(pieces_, places_, fifo_.room());
  const auto staged = fifo_.stage(pieces_);
  written_ += staged;
  auto left = staged;
  std::size_t i = 0;
  while (i < pieces_.size() && left >= pieces_[i].iov_len) left -= pieces_[i++].iov_len;
  writing_ = places_[i];
  writing_.skip += left;
  return staged;
}

// The stream's bytes from `place` on, in pieces that lie together, while `take(begin, bytes)` says true; `place` moves behind
// those. `begin` is where a piece begins: at a frame and so many bytes behind it.
template <class Take>
void Output::each_piece(Place& place, Take take) const {
  bool goes_on = true;
  while (goes_on && place.sending < sendings().size()) {
    const auto& s = sendings()[place.sending];
    const auto& delivery = delivery_of(s);
    auto at = place.at;
    if (at < s.range.end)
      delivery.log().read_each(at, delivery.bit(), [&](const log::Piece& piece) {
        if (piece.begin >= s.range.end) return false;
        const bool cut = s.range.end < piece.end;
        const auto& end = cut ? s.range.end : piece.end;
        goes_on = take(Place{place.sending, piece.begin, place.skip},
                       piece.bytes.first(end.position - piece.begin.position).subspan(place.skip));
        if (goes_on) place = {place.sending, end, 0};
        return goes_on && !cut;
      });
    if (!goes_on) return;
    ++place.sending;
    if (place.sending < sendings().size()) place = {place.sending, sendings()[place.sending].range.begin, 0};
  }
}

// The bytes from writing_ on, as pieces of the logs; places[i] is where pieces[i] begins, and there is one more place than pieces.
void Output::gather(std::vector<iovec>& pieces, std::vector<Place>& places, std::uint64_t most) const {
  Place place = writing_;
  auto room = std::min<std::uint64_t>(fifo_.room(), most);
  each_piece(place, [&](const Place& begin, std::span<const std::byte> bytes) {
    if (pieces.size() == kPiecesMax || room == 0) return false;
    places.push_back(begin);
    // writev does not write into its pieces, for all that iovec is not const.
    pieces.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    room -= std::min<std::uint64_t>(room, bytes.size());
    return true;
  });
  places.push_back(place);
}

// The stream's next bytes that lie together; `place` moves behind them, `begin` is where they begin. Empty: nothing more was asked
// for.
std::span<const std::byte> Output::next_bytes(Place& place, Place& begin) const {
  std::span<const std::byte> next;
  each_piece(place, [&](const Place& at, std::span<const std::byte> bytes) {
    if (!next.empty()) return false;
    begin = at;
    next = bytes;
    return true;
  });
  return next;
}

// ---- what the reader has taken

void Output::look() {
  if (state_ == State::unopened || sendings().empty()) return;
  // Bytes that lay in the FIFO before ours, or that others write there, only make this smaller: safe.
  const auto waiting = fifo_.waiting();
  if (waiting > seen_waiting_ + pushed_since_) note_others();
  seen_waiting_ = waiting;
  pushed_since_ = 0;
  const auto seen = moved() - std::min(waiting, moved());
  if (seen > taken()) journal_->record.edit().taken = seen;
  finish_front(taken());
  commit();
}

// Sendings that end at or before that mark are final.
void Output::finish_front(std::uint64_t up_to) {
  INVARIANT(up_to <= moved() && moved() <= written_, up_to, moved(), written_);
  while (!sendings().empty() && sendings().front().bytes <= up_to) {
    const auto front = sendings().front();
    sendings().pop_front();
    up_to -= front.bytes;
    auto& record = journal_->record.edit();
    record.taken -= std::min(record.taken, front.bytes);
    record.moved -= front.bytes;
    written_ -= front.bytes;
    if (writing_.sending > 0)
      --writing_.sending;
    else
      writing_ = {0, sendings().empty() ? log::Cursor{} : sendings().front().range.begin, 0};  // it stood at the end of the front
    finish(delivery_of(front), front.range);
  }
}

void Output::finish(Delivery& delivery, const Range& part) {
  delivery.finish(part);
  delivery.edit_tally().delivered += part.count;
  remember_taken(delivery, part);
  memory_->count_progress();
  around_.on_settled(delivery);
}

// The newest, together at least what the FIFO holds, if there was so much.
void Output::remember_taken(const Delivery& delivery, const Range& part) {
  constexpr std::size_t kMost = 1024;
  auto& taken = journal_->last_taken;
  const auto bytes = part.end.position - part.begin.position;
  const auto last = part.end.sequence.number - 1;
  last_taken_bytes_ += bytes;
  if (!taken.empty() && taken.back().delivery == delivery.id() && taken.back().last + 1 == part.begin.sequence.number &&
      taken.back().bytes + bytes <= fifo_.capacity() / 4) {
    auto& longer = taken.edit(taken.size() - 1);
    longer.last = last;
    longer.count += part.count;
    longer.bytes += bytes;
  } else {
    taken.push_back({delivery.id(), part.begin.sequence.number, last, part.count, bytes});
  }
  while (taken.size() > 1 && (taken.size() > kMost || last_taken_bytes_ - taken.front().bytes >= fifo_.capacity())) {
    last_taken_bytes_ -= taken.front().bytes;
    taken.pop_front();
  }
}

// ---- the marks

// The stream goes on behind what is in the FIFO.
void Output::drop_stage() {
  fifo_.empty_stage();
  written_ = moved();
  writing_ = place_of(moved());
}

// The frame that the byte belongs to, and how far into it the byte is.
Output::Place Output::place_of(std::uint64_t offset) const {
  std::array<frame::Frame, 256> frames;
  for (std::size_t i = 0; i < sendings().size(); ++i) {
    const auto& s = sendings()[i];
    const auto& delivery = delivery_of(s);
    if (offset >= s.bytes) {
      offset -= s.bytes;
      continue;
    }
    auto at = s.range.begin;
    while (const auto piece = delivery.log().read(at, delivery.bit())) {
      auto bytes = piece->bytes;
      at = piece->begin;
      while (!bytes.empty()) {
        const auto scan = delivery.codec().scan(bytes, frames);
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
  return {sendings().size(), {}, 0};
}

// Back to the beginning of the frame that `taken` is in: frames before it were taken whole and are final, and so the first sending
// begins there.
void Output::rewind(std::uint64_t taken) {
  journal_->record.edit().taken = taken;
  const auto place = place_of(taken);
  finish_front(taken - place.skip);
  if (!sendings().empty()) {
    const auto front = sendings().front();
    auto& delivery = delivery_of(front);
    const auto before = delivery.log().count_between(front.range.begin, place.at, delivery.bit());
    if (before > 0) {
      const Range part{front.range.begin, place.at, before};
      auto& rest = sendings().edit(0);
      rest.range = {place.at, front.range.end, front.range.count - before};
      rest.bytes -= this->taken() - place.skip;
      finish(delivery, part);
    }
  }
  reset_marks();
}

void Output::reset_marks() {
  auto& record = journal_->record.edit();
  record.taken = record.moved = written_ = 0;
  writing_ = {};
  if (!sendings().empty()) writing_.at = sendings().front().range.begin;
}

}  // namespace standpipe::deliver
