// SPDX-License-Identifier: Apache-2.0
// Output: what nobody announces is looked for now and then, also while nothing is to be sent. A plain reader (`cat out`) waits in
// open() until somebody opens the FIFO to write; and a FIFO may be removed or replaced.
#include <algorithm>

#include "base/failure.h"
#include "deliver/output.h"

namespace standpipe::deliver {

Nanoseconds Output::visit(Nanoseconds now) {
  now_ = now;
  const auto opened_before = openings_;
  if (state_ != State::unopened) look_for_name();
  if (state_ != State::flowing) (void)ready_to_write();
  const bool is_new = openings_ != opened_before;
  visit_pause_ = is_new ? kVisitFirst : std::min(visit_pause_ * 2, kVisitLast);
  return now + visit_pause_;
}

// A reader that has the FIFO open goes on with it. For the next one there must be a FIFO at the path again.
void Output::look_for_name() try {
  switch (fifo_.named()) {
    case source::Named::nothing:
      if (!fifo_.make_again()) return;
      around_.reporter.info(path() + " was removed; it is made again, for the next reader");
      return;
    case source::Named::no_fifo:
      return fail(Failure(path() + " is no FIFO any more", "mv " + path() + " away: the hub makes the FIFO again"));
    case source::Named::ours:
    case source::Named::another_fifo:
      return;
  }
} catch (const Failure& failure) {
  fail(failure);
}

}  // namespace standpipe::deliver
