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
      reader_({options_.path, options_.payload_max,
               options_.shared || options_.count || !options_.exec.empty()}),
      moved_(steady_now()) {
  if (options_.shared || !options_.exec.empty()) lock_.emplace(options_.path, reader_.fd());
  if (!options_.exec.empty())
    pool_.emplace(WorkCommand(options_.exec), options_.work, streams_.err,
                  [this](const std::string& message) {
                    show_payload(streams_.out, message, options_.format);
                    streams_.out.flush();
                  });
  if (reader_.created()) streams_.err.info("created " + options_.path);
}

Status Receiver::run() {
  const auto status = receive_frames();
  return pool_ ? finish_work(status) : status;
}

Status Receiver::receive_frames() {
  while (!enough()) {
    if (interruption_.times() > 0) return finish_frame();
    if (pool_) pool_->turn();
    if (pool_ && pool_->is_full()) {
      wait_for_work(0);
      continue;
    }
    if (lock_ && !lock_->held()) {
      const auto waited = lock_->lock(interruption_, deadline());
      if (waited == Waited::interrupted) continue;
      if (waited == Waited::late) return too_late();
    }
    switch (next_frame()) {
      case FifoReader::Next::frame:
        show();
        continue;
      case FifoReader::Next::truncated:
        report_truncated();
        continue;
      case FifoReader::Next::too_large:
        return refuse();
      case FifoReader::Next::nothing:
        if (wait(0) == Waited::late) return too_late();
    }
  }
  return Status::done;
}

FifoReader::Next Receiver::next_frame() {
  const auto next = reader_.next_frame();
  const bool is_inside_frame = next == FifoReader::Next::nothing && reader_.incomplete_bytes() > 0;
  if (lock_ && !is_inside_frame) lock_->give_back();
  if (next != FifoReader::Next::nothing || reader_.incomplete_bytes() != incomplete_bytes_)
    moved_ = steady_now();
  incomplete_bytes_ = next == FifoReader::Next::nothing ? reader_.incomplete_bytes() : 0;
  return next;
}

void Receiver::show() {
  ++got_;
  if (pool_) return pool_->take(std::string(reader_.payload()));
  show_payload(streams_.out, reader_.payload(), options_.format);
}

// Until a command has ended, one is due, or a signal has come. What runs is no silence of the FIFO.
void Receiver::wait_for_work(int known) {
  std::vector<pollfd> waiting = {{interruption_.fd(), POLLIN, 0}};
  pool_->add_to(waiting);
  if (interruption_.times() <= known)
    (void)::poll(waiting.data(), waiting.size(), milliseconds_until(pool_->next_start()));
  moved_ = steady_now();
}

// After the last message: commands that run may finish, and messages that failed get their other
// attempts, unless somebody is in a hurry; at the second interruption nothing is waited for.
Status Receiver::finish_work(Status status) {
  for (pool_->turn(); !pool_->is_idle(); pool_->turn()) {
    const int times = interruption_.times();
    if (times > 0) pool_->finish();
    if (times > 1) pool_->abort();
    if (!pool_->is_idle()) wait_for_work(times);
  }
  if (pool_->failed() == 0) return status;
  streams_.err.error(
      "work-failed",
      counted(pool_->failed(), "message") + " of " + thousands(got_) + " failed for good",
      "they were printed on standard output");
  return Status::failed;
}

// Waits for bytes, a signal, or the end of whoever reads our output: better to end then than to
// take a message and lose it.
Waited Receiver::wait(int known) {
  streams_.out.flush();
  for (;;) {
    std::vector<pollfd> fds = {
        {reader_.wake_fd(), POLLIN, 0}, {interruption_.fd(), POLLIN, 0}, {streams_.out.fd(), 0, 0}};
    if (pool_) pool_->add_to(fds);
    const auto due = pool_ ? pool_->next_start() : std::nullopt;
    const auto until = due && (!deadline() || *due < *deadline()) ? due : deadline();
    const int n = ::poll(fds.data(), fds.size(), milliseconds_until(until));
    if (n < 0 && errno != EINTR) throw Failure::system("wait", errno);
    if (n > 0 && (fds[2].revents & POLLERR)) streams_.out.reader_left();
    if (interruption_.times() > known) return Waited::interrupted;
    if (n > 0 && fds[0].revents) {
      reader_.awake();
      return Waited::ready;
    }
    if (pool_) pool_->turn();
    if (deadline() && steady_now() >= *deadline()) return Waited::late;
  }
}

Deadline Receiver::deadline() const {
  if (!options_.timeout) return std::nullopt;
  return moved_ + *options_.timeout;
}

// Interrupted: whole frames that were read are printed, and an incomplete one is waited for,
// because its beginning is gone from the FIFO already.
Status Receiver::finish_frame() {
  reader_.begin_no_more();
  options_.timeout = kGrace;
  moved_ = steady_now();
  while (reader_.incomplete_bytes() > 0 && !enough()) {
    const auto next = next_frame();
    if (next == FifoReader::Next::frame) {
      show();
      continue;
    }
    if (next == FifoReader::Next::truncated) {
      report_truncated();
      return Status::done;
    }
    if (next == FifoReader::Next::too_large) return refuse();
    if (wait(1) == Waited::ready) continue;
    streams_.err.warning("cut",
                         "ended inside a frame: " + counted(reader_.incomplete_bytes(), "byte") +
                             (reader_.need() ? " of " + thousands(reader_.need()) : "") +
                             " are taken and lost");
    return Status::failed;
  }
  return Status::done;
}

Status Receiver::too_late() {
  auto what = "no message came for " + duration_text(*options_.timeout);
  if (options_.count) what += "; got " + thousands(got_) + " of " + thousands(*options_.count);
  if (reader_.incomplete_bytes() > 0)
    what += "; a frame is incomplete: " + counted(reader_.incomplete_bytes(), "byte") +
            (reader_.need() ? " of " + thousands(reader_.need()) : "") + " came";
  if (!options_.count && reader_.incomplete_bytes() == 0) {
    streams_.err.info(what);
    return Status::done;
  }
  streams_.err.error("timeout", what,
                     got_ == 0 ? "does anybody write to " + options_.path + "?" : "");
  return Status::failed;
}

// The same words as the hub's.
Status Receiver::refuse() {
  const auto head = std::as_bytes(std::span(reader_.head().data(), reader_.head().size()));
  Diagnostic d{.code = "bad_frame",
               .message = options_.path + ": a frame claims " + counted(reader_.claimed(), "byte") +
                          " (limit " + thousands(options_.payload_max) + ")"};
  auto why = frame::explain_bad_length(head, options_.payload_max, got_ > 0,
                                       "raise the limit: --max-message-size");
  d.notes.push_back("it begins with " + hex_excerpt(head));
  if (!why.note.empty()) d.notes.push_back(std::move(why.note));
  if (got_ == 0)
    d.notes.emplace_back(
        "if another reader was at this FIFO, it may have taken the beginning of this frame");
  d.help.push_back(std::move(why.help));
  streams_.out.flush();
  streams_.err.say(d);
  return Status::failed;
}

void Receiver::report_truncated() {
  streams_.out.flush();
  streams_.err.warning(
      "truncated", options_.path + ": a frame was truncated: its writer left after " +
                       counted(reader_.incomplete_bytes(), "byte") +
                       (reader_.need() ? " of " + thousands(reader_.need()) : " of its header"));
}

}  // namespace standpipe::cli
