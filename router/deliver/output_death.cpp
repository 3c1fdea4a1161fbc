// SPDX-License-Identifier: Apache-2.0
// Output: a reader's death. What it left unread is the next one's, from a frame's beginning.
#include "deliver/output.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace standpipe::deliver {

void Output::on_event(std::uint32_t events, Nanoseconds now) {
  now_ = now;
  if (!(events & EPOLLERR) || (state_ != State::unopened && fifo_.has_reader())) return;
  if (state_ == State::no_reader) pause_ = {};  // one has come and gone unseen: look soon for the next
  if (state_ != State::flowing) return;
  reader_died();
  if (!sendings().empty()) wait_more(now, kLookLast);
}

void Output::reader_died() {
  look();
  state_ = State::no_reader;
  pause_ = {};
  if (!journal_->record->resend) return leave_in_pipe();
  if (moved() == taken() && written_ == moved() && taken() == 0) {
    count_unacknowledged();
    end_turn_of_reader();
    return commit();
  }
  const auto left = fifo_.look_at_left([this](auto bytes) { return left_by_reader_is_ours(bytes); });
  if (left.failed) {
    around_.reporter.warning("reader-died",
                             path() + ": its reader died, and what it left unread cannot be taken back (" + *left.failed +
                                 "); the next reader gets it, perhaps from the middle of a message",
                             "let the hub's user read the FIFO as well, or set on_reader_death: count");
    return leave_in_pipe();
  }
  if (left.foreign && relayed() > 0) {
    around_.reporter.warning("changed-behind",
                             path() +
                                 ": its reader died, and what it left unread is not what its source was given: a writer changed it "
                                 "behind its back (vmsplice, or splice from a file), or others write here; nothing is sent again",
                             "let writers use write alone, or give their FIFO a mode that others may write to: then it is copied");
    return leave_in_pipe();
  }
  if (left.foreign) {
    around_.reporter.warning("others-write-here",
                             path() + ": its reader died, and the pipe holds bytes that others wrote; nothing is sent again",
                             "set on_reader_death: count where others write to the same FIFO");
    journal_->record.edit().resend = 0;
    return leave_in_pipe();
  }
  if (left.bytes < moved() - taken())
    around_.reporter.warning(
        "reader-overtook",
        path() + ": another reader opened it before the hub saw the first one go; it may have begun inside a message");
  journal_->record.edit().draining = 1;
  commit();
  take_back_rest();
}

// From here on `taken` is what it was when the reader was seen to be dead: what leaves the pipe now is not taken by anybody.
void Output::take_back_rest() {
  state_ = State::no_reader;
  count_unacknowledged();
  fifo_.drain(moved() - taken());
  rewind(taken());
  end_turn_of_reader();
  journal_->record.edit().draining = 0;
  commit();
}

// What is in the pipe is the next reader's, and so is the rest of the message that lies in it in part.
void Output::leave_in_pipe() {
  count_unacknowledged();
  drop_stage();
  end_turn_of_reader();
  finish_front(moved());
  commit();
}

bool Output::left_by_reader_is_ours(std::span<const std::byte> left) const {
  auto place = place_of(taken());
  while (!left.empty()) {
    Place begin;
    const auto bytes = next_bytes(place, begin);
    const auto n = std::min(bytes.size(), left.size());
    if (n == 0 || std::memcmp(bytes.data(), left.data(), n) != 0) return false;
    left = left.subspan(n);
  }
  return true;
}

// What it had taken last is delivered, and nobody knows whether it was through with it. That is counted always; it is said only of
// a reader that left more unread, because one that has taken all before it leaves is how most end.
void Output::count_unacknowledged() {
  auto& taken = journal_->last_taken;
  std::uint64_t count = 0, left_out = 0;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    around_.delivery(taken[i].delivery).edit_tally().unacknowledged += taken[i].count;
    count += taken[i].count;
  }
  if (count > 0 && moved() > this->taken() && deaths_.allow(now_, left_out)) {
    const auto& newest = taken.back();
    around_.reporter.info(path() + ": its reader left before it had taken all; the last that it took, " +
                          counted(count, "message") + " up to number " + thousands(newest.last) + " of " +
                          around_.delivery(newest.delivery).source() + ", may not have been processed (unacknowledged)" +
                          (left_out ? "; so for other readers before" : ""));
  }
  taken.clear();
  last_taken_bytes_ = 0;
}

}  // namespace standpipe::deliver
