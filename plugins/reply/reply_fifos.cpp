// SPDX-License-Identifier: Apache-2.0
#include "reply_fifos.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "common/error_text.h"

using standpipe::Outcome;

ReplyFifos::ReplyFifos(standpipe::Host host, Settings settings)
    : host_(host), settings_(std::move(settings)) {}

ReplyFifos::~ReplyFifos() { close(); }

void ReplyFifos::open() {
  epoll_ = common::Fd(::epoll_create1(EPOLL_CLOEXEC));
  wake_.emplace();
  epoll_event event{};
  event.events = EPOLLIN;
  if (!epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_->fd(), &event) != 0)
    throw standpipe::disconnected("cannot wait for FIFOs: " + common::error_text(errno));
  stops_ = false;
  thread_ = std::thread([this] { run(); });
}

void ReplyFifos::close() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    if (wake_) wake_->set();
  }
  if (thread_.joinable()) thread_.join();
  by_path_.clear();
  fifos_.clear();
  waiting_ = waiting_bytes_ = 0;
  epoll_ = common::Fd();
  wake_.reset();
}

Outcome ReplyFifos::send(const std::string& path, const standpipe::Message& message) {
  const std::lock_guard lock(mutex_);
  auto& fifo = fifo_of(path);
  auto frame = frame_of(message.text());
  std::size_t written = 0;
  if (!fifo.waiting.empty()) return keep(fifo, std::move(frame), 0, message.taken());
  switch (fifo.write(frame, written)) {
    case ReplyFifo::Wrote::all:
      return Outcome::delivered;
    case ReplyFifo::Wrote::gone: {
      const auto why = fifo.why();
      forget(fifo);
      return gone(why);
    }
    case ReplyFifo::Wrote::later:
      lock_is_awaited_ = true;
      return keep(fifo, std::move(frame), written, message.taken());
    case ReplyFifo::Wrote::some:
      return keep(fifo, std::move(frame), written, message.taken());
  }
  return Outcome::retry;
}

void ReplyFifos::flush(std::chrono::nanoseconds left) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::min(left, settings_.wait), [this] { return waiting_ == 0; });
}

// ---- FIFOs that are open

ReplyFifo& ReplyFifos::fifo_of(const std::string& path) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) {
    fifos_.splice(fifos_.begin(), fifos_, known->second);
    return fifos_.front();
  }
  if (fifos_.size() >= settings_.open_max) make_room_for_fifo();
  fifos_.emplace_front(path, settings_.rules);
  by_path_.emplace(path, fifos_.begin());
  return fifos_.front();
}

// The least recently used one for which nothing waits; if all of them are slow, the first of those.
void ReplyFifos::make_room_for_fifo() {
  const auto idle = std::find_if(fifos_.rbegin(), fifos_.rend(),
                                 [](const ReplyFifo& fifo) { return fifo.waiting.empty(); });
  auto& victim = idle == fifos_.rend() ? fifos_.back() : *idle;
  drop_all(victim, "too many other FIFOs were full (max_open_fifos)");
  forget(victim);
}

void ReplyFifos::forget(ReplyFifo& fifo) {
  const auto found = by_path_.find(fifo.path());
  const auto place = found->second;
  by_path_.erase(found);
  fifos_.erase(place);
}

// ---- replies that wait

// Replies wait in order, so a new one is the last.
Outcome ReplyFifos::keep(ReplyFifo& fifo, std::string frame, std::size_t written,
                         standpipe::Taken taken) {
  if (!make_room_for(fifo, frame.size())) {
    if (written > 0) fifo.close();
    return gone(fifo.path() + " is full, and no more replies can wait (max_waiting)");
  }
  fifo.waiting_bytes += frame.size();
  waiting_bytes_ += frame.size();
  ++waiting_;
  fifo.waiting.push_back(
      {std::move(frame), written, taken, std::chrono::steady_clock::now() + settings_.wait});
  watch(fifo);
  wake_->set();
  return Outcome::taken;
}

// false: no other client has more that waits than this one would.
bool ReplyFifos::make_room_for(ReplyFifo& fifo, std::size_t bytes) {
  while (waiting_bytes_ + bytes > settings_.waiting_bytes_max) {
    const auto most = std::max_element(fifos_.begin(), fifos_.end(), [](auto& a, auto& b) {
      return a.waiting_bytes < b.waiting_bytes;
    });
    if (most->waiting_bytes <= fifo.waiting_bytes + bytes) return false;
    end(*most, Which::last, "its client reads too slowly, and others wait as well (max_waiting)");
  }
  return true;
}

void ReplyFifos::end(ReplyFifo& fifo, Which which, const std::string& why_gone) {
  auto& reply = which == Which::first ? fifo.waiting.front() : fifo.waiting.back();
  if (!why_gone.empty() && reply.written > 0) fifo.close();
  const auto otherwise = settings_.reject_gone ? Outcome::reject : Outcome::filtered;
  host_.settle(reply.taken, why_gone.empty() ? Outcome::delivered : otherwise, why_gone);
  fifo.waiting_bytes -= reply.frame.size();
  waiting_bytes_ -= reply.frame.size();
  if (which == Which::first)
    fifo.waiting.pop_front();
  else
    fifo.waiting.pop_back();
  if (--waiting_ == 0) changed_.notify_all();
}

Outcome ReplyFifos::gone(const std::string& why) const {
  if (settings_.reject_gone) throw standpipe::reject(why);
  return Outcome::filtered;
}

void ReplyFifos::drop_all(ReplyFifo& fifo, const std::string& why) {
  while (!fifo.waiting.empty()) end(fifo, Which::first, why);
}

// ---- the thread that waits for room

void ReplyFifos::watch(ReplyFifo& fifo) {
  if (fifo.is_watched || !fifo.is_open()) return;
  epoll_event event{};
  event.events = EPOLLOUT;
  fifo.is_watched = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fifo.fd(), &event) == 0;
}

// Where another writer has the lock, the FIFO may have room all the time, and that is no news.
void ReplyFifos::unwatch(ReplyFifo& fifo) {
  if (fifo.is_watched) (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fifo.fd(), nullptr);
  fifo.is_watched = false;
}

void ReplyFifos::write_waiting() {
  const auto now = std::chrono::steady_clock::now();
  lock_is_awaited_ = false;
  for (auto& fifo : fifos_)
    if (!fifo.waiting.empty()) write_waiting_of(fifo, now);
}

void ReplyFifos::write_waiting_of(ReplyFifo& fifo, Time now) {
  while (!fifo.waiting.empty()) {
    auto& reply = fifo.waiting.front();
    const auto wrote = fifo.write(reply.frame, reply.written);
    if (wrote == ReplyFifo::Wrote::gone) return drop_all(fifo, std::string(fifo.why()));
    const bool is_late = wrote != ReplyFifo::Wrote::all && now >= reply.until;
    if (wrote == ReplyFifo::Wrote::all || is_late) {
      end(fifo, Which::first, is_late ? fifo.path() + " was full for as long as `wait` says" : "");
      continue;
    }
    const bool is_locked = wrote == ReplyFifo::Wrote::later;
    lock_is_awaited_ = lock_is_awaited_ || is_locked;
    return is_locked ? unwatch(fifo) : watch(fifo);
  }
  if (fifo.is_open()) unwatch(fifo);
}

int ReplyFifos::milliseconds_to_wait() const {
  if (waiting_ == 0) return -1;
  if (lock_is_awaited_) return static_cast<int>(kLockRetry.count());
  auto first = Time::max();
  for (const auto& fifo : fifos_)
    if (!fifo.waiting.empty()) first = std::min(first, fifo.waiting.front().until);
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(first - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void ReplyFifos::run() {
  std::unique_lock lock(mutex_);
  while (!stops_) {
    const int milliseconds = milliseconds_to_wait();
    lock.unlock();
    epoll_event event{};
    (void)::epoll_wait(epoll_.get(), &event, 1, milliseconds);
    wake_->clear();
    lock.lock();
    if (!stops_) write_waiting();
  }
}
