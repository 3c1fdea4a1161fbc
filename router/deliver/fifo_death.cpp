// SPDX-License-Identifier: Apache-2.0
// FifoEndpoint: a reader's death. What it left unread goes to the next reader, from a frame's
// beginning.
#include <sys/epoll.h>

#include "deliver/fifo_endpoint.h"

namespace standpipe::deliver {

Endpoint::Event FifoEndpoint::on_event(std::uint32_t events) {
  if (!(events & EPOLLERR) || (state_ != State::unopened && fifo_.has_reader()))
    return Event::nothing;
  if (state_ == State::no_reader)
    return Event::poll_soon;  // one has come and gone unseen: look soon for the next
  return state_ == State::flowing ? Event::peer_gone : Event::nothing;
}

void FifoEndpoint::peer_gone(Nanoseconds now) {
  now_ = now;
  sample();
  state_ = State::no_reader;
  if (!record().resend) return leave_in_pipe();
  const auto& q = queue();
  if (q.moved() == q.taken() && q.written() == q.moved() && q.taken() == 0) {
    count_unacknowledged();
    end_turn_of_reader();
    return commit();
  }
  const auto left = fifo_.peek_left(stage_, [&q](auto bytes) { return q.is_at(q.taken(), bytes); });
  if (left.failed) {
    reporter().warning(
        "reader-died",
        path() + ": its reader died, and what it left unread cannot be taken back (" +
            *left.failed + "); the next reader gets it, perhaps from the middle of a message",
        "let the hub's user read the FIFO as well, or set on_reader_death: count");
    return leave_in_pipe();
  }
  if (left.foreign) {
    report_foreign();
    return leave_in_pipe();
  }
  if (left.bytes < q.moved() - q.taken())
    reporter().warning(
        "reader-overtook",
        path() +
            ": another reader opened it before the hub saw the first one go; it may have begun "
            "inside a message");
  edit_record().reclaiming = 1;
  commit();
  reclaim_rest();
}

void FifoEndpoint::report_foreign() {
  if (relayed() > 0)
    return reporter().warning(
        "changed-behind",
        path() +
            ": its reader died, and what it left unread is not what its source was given: a writer "
            "changed it behind its back (vmsplice, or splice from a file), or others write here; "
            "nothing is sent again",
        "let writers use write alone, or give their FIFO a mode that others may write to: then it "
        "is "
        "copied");
  reporter().warning(
      "others-write-here",
      path() +
          ": its reader died, and the pipe holds bytes that others wrote; nothing is sent again",
      "set on_reader_death: count where others write to the same FIFO");
  edit_record().resend = 0;
}

// From here on `taken` stays what it was when the reader was seen to be dead: what leaves the pipe
// now is taken by nobody.
void FifoEndpoint::reclaim_rest() {
  state_ = State::no_reader;
  count_unacknowledged();
  fifo_.discard(queue().moved() - queue().taken());
  queue().rewind(queue().taken());
  end_turn_of_reader();
  edit_record().reclaiming = 0;
  commit();
}

// What is in the pipe goes to the next reader, and so does the rest of the message that lies in it
// in part.
void FifoEndpoint::leave_in_pipe() {
  count_unacknowledged();
  drop_stage();
  end_turn_of_reader();
  queue().settle(queue().moved());
  commit();
}

// What the reader took since it was last sampled is counted, too, so it is final first.
void FifoEndpoint::count_unacknowledged() {
  queue().finish_taken();
  last_taken_->count_unacknowledged(path(), queue().moved() > queue().taken(), reporter(), now_);
}

}  // namespace standpipe::deliver
