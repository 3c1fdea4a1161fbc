// SPDX-License-Identifier: Apache-2.0
// FifoEndpoint: regular checks for what nobody announces, also while nothing is to be sent. A plain
// reader (`cat out`) waits in open() until somebody opens the FIFO to write; and a FIFO may be
// removed or replaced.
#include "base/failure.h"
#include "deliver/fifo_endpoint.h"

namespace standpipe::deliver {

bool FifoEndpoint::visit(Nanoseconds now) {
  const auto opened_before = openings_;
  if (state_ != State::unopened) check_name();
  if (state_ != State::flowing) (void)make_ready(now);
  return openings_ != opened_before;
}

// A reader that has the FIFO open continues with it. For the next one there must be a FIFO at the
// path again.
void FifoEndpoint::check_name() try {
  switch (fifo_.named()) {
    case source::Named::nothing:
      if (!fifo_.make_again()) return;
      reporter().info(path() + " was removed; it is made again, for the next reader");
      return;
    case source::Named::no_fifo:
      return fail(Failure(path() + " is not a FIFO any more",
                          "mv " + path() + " away: the hub makes the FIFO again"));
    case source::Named::ours:
    case source::Named::another_fifo:
      return;
  }
} catch (const Failure& failure) {
  fail(failure);
}

}  // namespace standpipe::deliver
