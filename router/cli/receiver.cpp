// SPDX-License-Identifier: Apache-2.0
#include "cli/receiver.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/text.h"
#include "frame/bad_length.h"

namespace standpipe::cli {

Receiver::Receiver(Options options, Streams& streams)
    : options_(std::move(options)),
      streams_(streams),
      reader_({options_.path, options_.payload_max, options_.shared || options_.count}),
      moved_(steady_now()) {
  if (options_.shared) lock_.emplace(options_.path, reader_.fd());
  if (reader_.created()) streams_.err.info("created " + options_.path);
}

Status Receiver::run() {
  while (!enough()) {
    if (interruption_.times() > 0) return finish_frame();
    if (lock_ && !lock_->held()) {
      const auto waited = lock_->take(interruption_, deadline());
      if (waited == Waited::interrupted) continue;
      if (waited == Waited::late) return too_late();
    }
    switch (take()) {
      case FifoReader::Taken::frame:
        show();
        continue;
      case FifoReader::Taken::torn:
        tell_torn();
        continue;
      case FifoReader::Taken::too_large:
        return refuse();
      case FifoReader::Taken::nothing:
        if (wait(0) == Waited::late) return too_late();
    }
  }
  return Status::done;
}

FifoReader::Taken Receiver::take() {
  const auto taken = reader_.take();
  const bool begun = taken == FifoReader::Taken::nothing && reader_.partial() > 0;
  if (lock_ && !begun) lock_->give_back();
  if (taken != FifoReader::Taken::nothing || reader_.partial() != partial_) moved_ = steady_now();
  partial_ = taken == FifoReader::Taken::nothing ? reader_.partial() : 0;
  return taken;
}

void Receiver::show() {
  show_payload(streams_.out, reader_.payload(), options_.format);
  ++got_;
}

// For bytes, a signal, or the end of whoever reads our output: better to end now than to take a message and lose it.
Waited Receiver::wait(int known) {
  streams_.out.flush();
  for (;;) {
    pollfd fds[] = {{reader_.wake_fd(), POLLIN, 0}, {interruption_.fd(), POLLIN, 0}, {streams_.out.fd(), 0, 0}};
    const int n = ::poll(fds, 3, milliseconds_until(deadline()));
    if (n < 0 && errno != EINTR) throw Failure::system("wait", errno);
    if (n > 0 && (fds[2].revents & POLLERR)) streams_.out.reader_left();
    if (interruption_.times() > known) return Waited::interrupted;
    if (n > 0 && fds[0].revents) {
      reader_.awake();
      return Waited::ready;
    }
    if (deadline() && steady_now() >= *deadline()) return Waited::late;
  }
}

Deadline Receiver::deadline() const {
  if (!options_.timeout) return std::nullopt;
  return moved_ + *options_.timeout;
}

// Interrupted: whole frames that were read are printed, and one that was begun is waited for, because its beginning is gone from
// the FIFO already.
Status Receiver::finish_frame() {
  reader_.begin_no_more();
  options_.timeout = kGrace;
  moved_ = steady_now();
  while (reader_.partial() > 0 && !enough()) {
    const auto taken = take();
    if (taken == FifoReader::Taken::frame) {
      show();
      continue;
    }
    if (taken == FifoReader::Taken::torn) {
      tell_torn();
      return Status::done;
    }
    if (taken == FifoReader::Taken::too_large) return refuse();
    if (wait(1) == Waited::ready) continue;
    streams_.err.warning("cut", "ended inside a frame: " + counted(reader_.partial(), "byte") +
                                    (reader_.need() ? " of " + thousands(reader_.need()) : "") + " are taken and lost");
    return Status::failed;
  }
  return Status::done;
}

Status Receiver::too_late() {
  auto what = "no message came for " + duration_text(*options_.timeout);
  if (options_.count) what += "; got " + thousands(got_) + " of " + thousands(*options_.count);
  if (reader_.partial() > 0)
    what += "; a frame was begun: " + counted(reader_.partial(), "byte") +
            (reader_.need() ? " of " + thousands(reader_.need()) : "") + " came";
  if (!options_.count && reader_.partial() == 0) {
    streams_.err.info(what);
    return Status::done;
  }
  streams_.err.error("timeout", what, got_ == 0 ? "does anybody write to " + options_.path + "?" : "");
  return Status::failed;
}

// The same words as the hub's.
Status Receiver::refuse() {
  const auto head = std::as_bytes(std::span(reader_.head().data(), reader_.head().size()));
  Diagnostic d{.code = "bad_frame",
               .message = options_.path + ": a frame claims " + counted(reader_.claimed(), "byte") + " (limit " +
                          thousands(options_.payload_max) + ")"};
  auto why = frame::explain_bad_length(head, options_.payload_max, got_ > 0, "raise the limit: --max-message-size");
  d.notes.push_back("it begins with " + hex_excerpt(head));
  if (!why.note.empty()) d.notes.push_back(std::move(why.note));
  if (got_ == 0) d.notes.emplace_back("if another reader was at this FIFO, it may have taken the beginning of this frame");
  d.help.push_back(std::move(why.help));
  streams_.out.flush();
  streams_.err.say(d);
  return Status::failed;
}

void Receiver::tell_torn() {
  streams_.out.flush();
  streams_.err.warning("truncated", options_.path + ": a frame was cut short: its writer left after " +
                                        counted(reader_.partial(), "byte") +
                                        (reader_.need() ? " of " + thousands(reader_.need()) : " of its header"));
}

}  // namespace standpipe::cli
