// SPDX-License-Identifier: Apache-2.0
#include "req_sender.h"

#include <poll.h>

#include <algorithm>
#include <functional>

namespace {

using Clock = common::TakenWindow::Clock;

constexpr int kLookMs = 200;  // ms, for peers that come and go, and for sockets without room
constexpr int kSettleMs = 1;  // that a message may be replied to and not settled
constexpr std::size_t kSettledTogether = 256;

}  // namespace

ReqSender::ReqSender(const SocketSettings& settings, std::size_t sockets, standpipe::Host host,
                     common::TakenWindow& window)
    : window_(window) {
  for (std::size_t i = 0; i < sockets; ++i) slots_.push_back({Socket(settings, host)});
  thread_ = std::thread([this] { run(); });
}

ReqSender::~ReqSender() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  wake_.set();
  thread_.join();
}

void ReqSender::push(Request request) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = pushed_.empty();
    pushed_.push_back(std::move(request));
  }
  if (was_empty) wake_.set();
}

void ReqSender::check() {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) throw standpipe::disconnected(failure_);
}

void ReqSender::run() {
  try {
    while (take_pushed()) {
      send();
      wait();
      receive();
      settle_if_due();
      slots_.front().socket.report_peers();
    }
    settle();
  } catch (const std::exception& error) {
    settle();
    {
      const std::lock_guard lock(mutex_);
      failure_ = error.what();
    }
    window_.interrupt();
  }
}

// false: it is over.
bool ReqSender::take_pushed() {
  wake_.clear();
  const std::lock_guard lock(mutex_);
  for (auto& request : pushed_) waiting_.push_back(std::move(request));
  pushed_.clear();
  return !is_over_;
}

void ReqSender::send() {
  for (auto& slot : slots_) {
    if (waiting_.empty()) return;
    if (slot.open || !slot.socket.send(waiting_.front().packet)) continue;
    slot.open = std::move(waiting_.front());
    slot.open->packet = {};  // libnanomsg has it
    waiting_.pop_front();
  }
}

void ReqSender::wait() {
  std::vector<pollfd> fds{{wake_.fd(), POLLIN, 0}};
  for (const auto& slot : slots_)
    fds.push_back({slot.open ? slot.socket.receive_fd() : -1, POLLIN, 0});
  (void)::poll(fds.data(), fds.size(), replied_.empty() ? kLookMs : kSettleMs);
}

void ReqSender::receive() {
  Packet reply;
  for (auto& slot : slots_) {
    if (!slot.open || !slot.socket.receive(reply)) continue;
    if (replied_.empty()) replied_since_ = Clock::now();
    for (std::size_t i = 0; i < slot.open->messages; ++i) replied_.push_back(slot.open->first + i);
    slot.open.reset();
  }
}

// The last one first: the window settles a row of messages as one when its first is replied to.
void ReqSender::settle() {
  std::ranges::sort(replied_, std::greater<>());
  for (const auto number : replied_) window_.deliver(number);
  replied_.clear();
}

void ReqSender::settle_if_due() {
  if (replied_.empty()) return;
  const bool is_last = waiting_.empty() && std::ranges::none_of(slots_, [](const auto& slot) {
                         return slot.open.has_value();
                       });
  if (is_last || replied_.size() >= kSettledTogether ||
      Clock::now() - replied_since_ >= std::chrono::milliseconds(kSettleMs))
    settle();
}
