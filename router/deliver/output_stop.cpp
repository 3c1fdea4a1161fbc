// SPDX-License-Identifier: Apache-2.0
// Output: the hub ends. A message that is in the FIFO in part is finished; all others are given back to their logs.
#include "deliver/output.h"

#include "base/invariant.h"

namespace standpipe::deliver {

bool Output::all_moved() const {
  if (sendings().empty()) return true;
  std::uint64_t asked = 0;
  for (std::size_t i = 0; i < sendings().size(); ++i) asked += sendings()[i].bytes;
  return state_ == State::flowing && moved() == asked && fifo_.has_reader();
}

void Output::finish_frame() {
  if (state_ == State::flowing && !fifo_.has_reader()) reader_died();
  if (state_ != State::flowing) {  // what waits for a reader is left to its log
    fifo_.empty_stage();
    give_back_from(0);
    reset_marks();
    return commit();
  }
  drop_stage();
  if (writing_.sending < sendings().size()) end_behind_frame();
  commit();
}

// The sendings end behind the frame that `writing_` is in.
void Output::end_behind_frame() {
  give_back_from(writing_.sending + 1);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i + 1 < sendings().size(); ++i) before += sendings()[i].bytes;
  auto& last = sendings().edit(sendings().size() - 1);
  auto& delivery = delivery_of(last);
  const auto end = writing_.skip > 0 ? frame_end(last, writing_.at) : writing_.at;
  const auto bytes = moved() - writing_.skip - before + (end.position - writing_.at.position);
  if (bytes == 0) return give_back_from(sendings().size() - 1);
  if (last.range.end == end) return;
  const auto count = delivery.log().count_between(last.range.begin, end, delivery.bit());
  delivery.give_again({{end, last.range.end, last.range.count - count}}, {});
  last.bytes = bytes;
  last.range.count = count;
  last.range.end = end;
}

// Those messages are not sent: their handlers get them again, if there is another run.
void Output::give_back_from(std::size_t first) {
  for (auto i = first; i < sendings().size(); ++i) delivery_of(sendings()[i]).give_again({sendings()[i].range}, {});
  sendings().truncate(first);
}

log::Cursor Output::frame_end(const Sending& s, log::Cursor begin) const {
  frame::Frame frame{};
  const auto& delivery = delivery_of(s);
  const auto piece = delivery.log().read(begin, delivery.bit());
  INVARIANT(piece && delivery.codec().scan(piece->bytes, {&frame, 1}).frames == 1, begin.position.bytes);
  return {begin.position + frame.end, begin.sequence + 1};
}

void Output::stop() {
  if (state_ != State::flowing || !fifo_.has_reader()) return;
  look();
  const auto place = place_of(moved());
  finish_front(moved() - place.skip);
  if (!sendings().empty()) rewind(moved());
  commit();
}

}  // namespace standpipe::deliver
