// SPDX-License-Identifier: Apache-2.0
#include "sender.h"

#include <algorithm>
#include <utility>

namespace unix_socket {

namespace {

constexpr std::chrono::seconds kGreetingTime{5};  // until the other end must have greeted
// That open waits for a client: not long where the hub may wait for it to start.
constexpr std::chrono::milliseconds kClientTimeFirst{100}, kClientTime{5000};
constexpr std::chrono::milliseconds kStopCheck{50};
constexpr int kTimesCheckMs = 500;
// So much lies ready for one of several clients: what it has not begun can go to another.
constexpr std::size_t kBlocksAhead = 2;

}  // namespace

Sender::Sender(standpipe::Host host, const Settings& settings)
    : host_(host),
      settings_(settings),
      outbox_(settings.send.window_messages, settings.send.window_bytes) {
  events_.finished = [this](const BlockPtr& block, std::size_t end) { finished(block, end); };
  events_.rejected = [this](const BlockPtr& block, std::size_t i, std::string_view why) {
    if (block->is_shared)
      host_.warning("one of several clients does not get a message: " + std::string(why));
    else
      host_.settle(block->taken(i), standpipe::Outcome::reject, why);
  };
}

void Sender::open() {
  outbox_.clear();
  waiting_.clear();
  unread_.clear();
  next_id_ = Poller::kFirstConnection;
  next_sequence_ = 1;
  is_full_ = is_over_ = false;
  poller_.open();
  wake_.emplace();
  poller_.watch(wake_->fd(), Poller::kWake, EPOLLIN);
  if (settings_.endpoint.listens) {
    if (!listener_) listener_ = std::make_unique<Listener>(host_, settings_);
    poller_.watch(listener_->fd(), Poller::kListener, EPOLLIN);
  } else {
    add(connect_to_server(host_, settings_));
  }
  thread_ = std::thread([this] { run(); });
  if (settings_.endpoint.listens) wait_for_client();
}

// The host's pauses come between.
void Sender::wait_for_client() {
  const auto until = Clock::now() + (was_alone_ ? kClientTime : kClientTimeFirst);
  was_alone_ = true;
  for (auto now = Clock::now(); now < until && !host_.stopping(); now = Clock::now()) {
    was_alone_ = !outbox_.wait_until_ready(std::min(until, now + kStopCheck));
    if (!was_alone_) return;
    if (outbox_.failure()) break;
  }
  const auto failure = outbox_.failure();
  close();
  if (failure) throw standpipe::disconnected(*failure);
  throw standpipe::disconnected("no client is connected to " + settings_.endpoint.path);
}

void Sender::close() {
  is_over_ = true;
  if (thread_.joinable()) {
    wake_->set();
    thread_.join();
  }
  outlets_.clear();
  poller_.close();
  wake_.reset();
  outbox_.clear();
}

void Sender::push(BlockPtr block) {
  if (outbox_.push(std::move(block)) && wake_) wake_->set();
}

// ---- its thread

void Sender::run() {
  try {
    loop();
  } catch (const std::exception& e) {
    outbox_.fail(e.what());
  }
  if (outbox_.failure()) (void)host_.wake();
}

void Sender::loop() {
  update_ready();
  while (!is_over_ && !outbox_.failure()) {
    const bool has_more = outbox_.take(waiting_);
    distribute();
    write_all();
    wait(has_more);
    check_times();
  }
}

void Sender::wait(bool has_more) {
  const auto unread = std::exchange(unread_, {});
  for (const auto& event : poller_.wait(has_more || !unread.empty() ? 0 : kTimesCheckMs))
    on_event(event.data.u64, event.events);
  for (const auto id : unread) on_event(id, 0);
}

void Sender::on_event(Id id, std::uint32_t events) {
  if (id == Poller::kWake) return wake_->clear();
  if (id == Poller::kListener) return accept();
  const auto found = outlets_.find(id);
  if (found == outlets_.end()) return;
  auto& outlet = found->second;
  try {
    if ((events & EPOLLOUT) != 0) outlet.unblock();
    const bool was_ready = outlet.is_ready();
    if (outlet.read()) unread_.push_back(id);
    if (!was_ready && outlet.is_ready()) update_ready();
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
      throw Outlet::Lost{"the other end closed the connection"};
  } catch (const Outlet::Lost& lost) {
    drop(id, lost.why);
  }
}

void Sender::accept() {
  while (outlets_.size() < settings_.listen.connections_max) {
    auto client = listener_->accept();
    if (!client) return;
    host_.debug("a client connected (" + client->who.text() + ")");
    add(std::move(*client));
    update_ready();
  }
  poller_.forget(listener_->fd());
  is_full_ = true;
  host_.warning("max_connections (" + std::to_string(settings_.listen.connections_max) +
                ") clients are connected to " + settings_.endpoint.path +
                ": others wait until one leaves");
}

void Sender::add(Connection connection) {
  const auto id = next_id_++;
  const int fd = connection.fd.get();
  outlets_.try_emplace(id, std::move(connection), settings_.wire, events_);
  poller_.watch(fd, id, Poller::kConnectionEvents);
}

void Sender::update_ready() {
  bool is_ready = false;
  Outbox::Limits limits;
  for (const auto& [id, outlet] : outlets_) {
    if (!outlet.is_ready()) continue;
    is_ready = true;
    limits.message = std::min(limits.message, outlet.message_max());
    limits.packet = std::min(limits.packet, outlet.packet_max());
  }
  outbox_.set_ready(is_ready, limits);
}

// ---- who is given what

void Sender::distribute() {
  while (!waiting_.empty()) {
    std::vector<Outlet*> takers;
    if (!settings_.send.to_all) {
      if (auto* one = pick()) takers.push_back(one);
    } else {
      for (auto& [id, outlet] : outlets_)
        if (outlet.is_ready()) takers.push_back(&outlet);
    }
    if (takers.empty()) return;
    const auto block = std::move(waiting_.front());
    waiting_.pop_front();
    block->number(settings_.wire, next_sequence_);
    next_sequence_ += block->count();
    block->holders = takers.size();
    block->is_shared = takers.size() > 1;
    for (auto* taker : takers) taker->give(block);
  }
}

// The one with the shortest queue. Where there are several, none is given much ahead.
Outlet* Sender::pick() {
  Outlet* best = nullptr;
  std::size_t ready = 0;
  for (auto& [id, outlet] : outlets_) {
    if (!outlet.is_ready()) continue;
    ++ready;
    if (!best || outlet.queued() < best->queued()) best = &outlet;
  }
  if (ready > 1 && best->unwritten() >= kBlocksAhead) {
    best = nullptr;
    for (auto& [id, outlet] : outlets_)
      if (outlet.is_ready() && outlet.unwritten() < kBlocksAhead &&
          (!best || outlet.queued() < best->queued()))
        best = &outlet;
  }
  return best;
}

void Sender::write_all() {
  std::vector<std::pair<Id, std::string>> lost;
  for (auto& [id, outlet] : outlets_) {
    try {
      outlet.write();
    } catch (const Outlet::Lost& why) {
      lost.emplace_back(id, why.why);
    }
  }
  for (const auto& [id, why] : lost) drop(id, why);
}

void Sender::check_times() {
  const auto now = Clock::now();
  const auto slow = settings_.send.slow_client_timeout;
  std::vector<std::pair<Id, std::string>> late;
  for (const auto& [id, outlet] : outlets_) {
    if (!outlet.is_ready() && now - outlet.connected() > kGreetingTime)
      late.emplace_back(id, "it did not greet: does its side have ack: true, too?");
    else if (settings_.send.to_all && outlets_.size() > 1 && slow.count() > 0 &&
             outlet.queued() > 0 && now - outlet.last_progress() > slow)
      late.emplace_back(id, "it took nothing for slow_client_timeout while others wait for it");
  }
  for (const auto& [id, why] : late) drop(id, why);
}

// ---- ends

void Sender::drop(Id id, const std::string& why) {
  const auto found = outlets_.find(id);
  if (found == outlets_.end()) return;
  auto& outlet = found->second;
  const auto text = settings_.endpoint.path + " (" + outlet.who().text() + "): " + why;
  const bool was_ready = outlet.is_ready();
  take_back(outlet);
  outlets_.erase(found);
  const bool is_last = std::ranges::none_of(outlets_, [](auto& o) { return o.second.is_ready(); });
  if (!settings_.endpoint.listens) return outbox_.fail("the connection to " + text);
  if (was_ready && is_last) return outbox_.fail("the last client of " + text);
  host_.info("a client of " + text);
  update_ready();
  if (!is_full_) return;
  is_full_ = false;
  poller_.watch(listener_->fd(), Poller::kListener, EPOLLIN);
}

void Sender::take_back(Outlet& outlet) {
  std::deque<BlockPtr> again;
  for (auto& block : outlet.queue()) {
    if (--block->holders > 0) continue;
    if (block->has_finished_once) {
      settle(block, block->count());
    } else if (block->done() < block->count()) {
      block->restart();
      again.push_back(block);
    }
  }
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
}

void Sender::finished(const BlockPtr& block, std::size_t end) {
  if (!block->is_shared) return settle(block, end);
  if (end < block->count()) return;
  block->has_finished_once = true;
  if (--block->holders == 0) settle(block, end);
}

void Sender::settle(const BlockPtr& block, std::size_t end) {
  if (end == block->done()) return;
  const auto bytes = block->end_of(end - 1) - block->begin_of(block->done());
  const auto part = block->take_up_to(end);
  host_.settle(part, standpipe::Outcome::delivered);
  outbox_.release(part.count, bytes);
  if (end == block->count()) outbox_.recycle(block);
}

}  // namespace unix_socket
