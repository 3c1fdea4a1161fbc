// SPDX-License-Identifier: Apache-2.0
#include "ack_sender.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

namespace {

constexpr std::chrono::nanoseconds kPauseMost = std::chrono::seconds(30);

std::uint64_t random_session() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

void ResendTimer::answered() {
  forget_pauses();
  start();
}

void ResendTimer::back_off() {
  pause_ = std::min(2 * pause_, std::max(kPauseMost, first_));
  start();
}

long ResendTimer::milliseconds_left() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now());
  return static_cast<long>(std::max<std::int64_t>(left.count(), 0));
}

AckSender::AckSender(Socket& socket, common::TakenWindow& window,
                     std::chrono::nanoseconds resend_ivl, bool has_metadata)
    : socket_(socket),
      window_(window),
      flight_(random_session(), has_metadata),
      timer_(resend_ivl) {
  thread_ = std::thread([this] { run(); });
}

AckSender::~AckSender() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  wake_.set();
  thread_.join();
}

void AckSender::push(SentBatch batch) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = pushed_.empty();
    pushed_.push_back(std::move(batch));
  }
  if (was_empty) wake_.set();
}

void AckSender::check() {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) return;
  if (is_fatal_) throw standpipe::fatal(failure_);
  throw standpipe::disconnected(failure_);
}

void AckSender::run() {
  try {
    serve();
  } catch (const standpipe::fatal& error) {
    give_up(error.what(), true);
  } catch (const std::exception& error) {
    give_up(error.what(), false);
  }
}

void AckSender::serve() {
  while (take_pushed()) {
    const bool has_unsent = !send();
    wait(has_unsent);
    receive();
    follow_connections();
    if (flight_.awaits_answer() && timer_.is_due()) {
      flight_.send_first_again();
      timer_.back_off();
    }
  }
}

// false: it is over.
bool AckSender::take_pushed() {
  wake_.clear();
  std::vector<SentBatch> pushed;
  {
    const std::lock_guard lock(mutex_);
    std::swap(pushed, pushed_);
    if (is_over_) return false;
  }
  for (auto& batch : pushed) flight_.add(std::move(batch));
  return true;
}

// false: the socket has no room for all.
bool AckSender::send() {
  while (const auto* batch = flight_.to_send()) {
    if (!socket_.send(*batch)) return false;
    if (!flight_.awaits_answer()) timer_.start();
    flight_.sent();
  }
  return true;
}

void AckSender::wait(bool has_unsent) {
  const auto events = static_cast<short>(has_unsent ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);
  std::array<zmq_pollitem_t, 3> items{{{socket_.get(), 0, events, 0},
                                       {nullptr, wake_.fd(), ZMQ_POLLIN, 0},
                                       {nullptr, socket_.watcher().fd(), ZMQ_POLLIN, 0}}};
  const long milliseconds = flight_.awaits_answer() ? timer_.milliseconds_left() : -1;
  if (zmq_poll(items.data(), static_cast<int>(items.size()), milliseconds) < 0 &&
      zmq_errno() != EINTR)
    throw standpipe::disconnected(std::string("cannot wait: ") + zmq_strerror(zmq_errno()));
}

// Whatever is no answer of this session is of another one, or of a peer that speaks otherwise.
void AckSender::receive() {
  std::vector<Frame> frames;
  while (socket_.receive(frames)) {
    const auto answer = Answer::decoded(frames[0].view());
    if (!answer) continue;
    std::vector<Refusal> refusals;
    for (std::size_t i = 1; i < frames.size(); ++i)
      if (auto refusal = Refusal::decoded(frames[i].view()))
        refusals.push_back(std::move(*refusal));
    if (!flight_.acknowledge(*answer, refusals, window_)) continue;
    timer_.answered();
  }
}

// What the connection before this one had on its way is lost.
void AckSender::follow_connections() {
  auto& watcher = socket_.watcher();
  watcher.clear_fd();
  watcher.check();
  const auto now = watcher.connections();
  if (now > connections_ && now > 1) {
    flight_.send_all_again();
    timer_.forget_pauses();
  }
  connections_ = now;
}

void AckSender::give_up(std::string why, bool is_fatal) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(why);
    is_fatal_ = is_fatal;
  }
  window_.interrupt();
}
