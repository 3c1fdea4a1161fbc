// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queues.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/failure.h"
#include "deliver/queue_segments.h"
#include "worker/event_key.h"

namespace standpipe::worker {

bool DiskQueues::has_one(const Data& data, const std::string& source,
                         const deliver::HandlerOptions& handler) const try {
  const auto name = state::delivery_name(source, handler.name);
  if (foundation_.directory().find(state::Kind::queue, name)) return true;
  return data.works() &&
         (handler.queue.type == deliver::QueueOptions::Type::disk ||
          !deliver::QueueSegments(data.path(), source, handler.name).find().empty());
} catch (const Failure& failure) {
  reporter_.error("queue",
                  source + " -> " + handler.name +
                      ": it cannot be looked whether an earlier run left messages in a queue: " +
                      failure.what(),
                  failure.help());
  return false;
}

DiskQueue& DiskQueues::add(const std::string& data_dir, std::size_t source, std::size_t handler,
                           const deliver::HandlerOptions& options, deliver::Delivery& from) {
  auto& slot = sources_[source];
  const auto& name = slot.inlet->name();
  const bool is_overflow = options.queue.type != deliver::QueueOptions::Type::disk;
  const auto number =
      foundation_.directory().slot(state::Kind::queue, state::delivery_name(name, options.name));
  auto& queue = *slot.queues.emplace_back(std::make_unique<DiskQueue>(
      DiskQueueOptions{
          .data_dir = data_dir,
          .source = name,
          .handler = options.name,
          .queue = is_overflow ? deliver::QueueOptions{.type = deliver::QueueOptions::Type::disk,
                                                       .size_max = overflow_max_}
                               : options.queue,
          .slot = number,
          .message_size_max = slot.inlet->message_size_max(),
          .is_overflow = is_overflow},
      from, DiskQueueNeeds{foundation_.arena(), writer_, clock_, reporter_, [this] {
                             return overflowed();
                           }}));
  sources_.add_log(queue.log(), source);
  deliveries_.add(queue.delivery_id(), handlers_[handler].add(queue.take_delivery()), handler);
  foundation_.memory().commit();
  ready_.add(source);
  return queue;
}

DiskQueue& DiskQueues::add_overflow(const std::string& data_dir, std::size_t source,
                                    std::size_t handler, deliver::Delivery& from) {
  auto& arena = foundation_.arena();
  if (!arena.has_room_for_log())
    throw Failure("memory_max has no room for one more log", "raise `memory_max`");
  const auto& name = sources_[source].inlet->name();
  (void)foundation_.directory().slot(
      state::Kind::queue, state::delivery_name(name, handlers_[handler].name()));  // or throws
  arena.add_log();
  return add(data_dir, source, handler, handlers_[handler].options(), from);
}

void DiskQueues::want_all() {
  for (std::size_t i = 0; i < sources_.size(); ++i) want(i);
}

void DiskQueues::round(bool feeds) {
  for (const auto i : ready_.round()) {
    std::optional<Nanoseconds> wake_at;
    for (auto& queue : sources_[i].queues) {
      advance(i, *queue, feeds);
      if (const auto at = queue->wake_at()) wake_at = std::min(wake_at.value_or(*at), *at);
    }
    loop_.set_timer(key(kQueue, i), wake_at);
  }
}

void DiskQueues::advance(std::size_t i, DiskQueue& queue, bool feeds) {
  const auto handler = deliveries_.handler_with(queue.delivery_id());
  if (queue.is_overflow() && queue.is_armed() && !handlers_[handler].absence()) queue.release();
  if (queue.wants_recall() || (queue.is_armed() && !queue.from().has_all())) recall(queue);
  const auto step = queue.advance(feeds);
  if (step.moved) sources_.dirty().add(i);
  if (step.more) ready_.add(i);
  if (step.fed) handlers_.wake(handler);
}

void DiskQueues::give_way(std::size_t i) {
  for (auto& queue : sources_[i].queues)
    if (queue->give_way()) sources_.dirty().add(i);
}

// What its outputs have of a time without a queue comes first, and must not wait for a reader that
// is away.
void DiskQueues::recall(const DiskQueue& queue) {
  auto& handler = handlers_[deliveries_.handler_with(queue.delivery_id())];
  if (handler.in_call()) return;
  for (auto* output : handler.outputs()) (void)output->recall();
}

DiskQueue* DiskQueues::from(const deliver::Delivery& delivery) const {
  for (const auto& queue : sources_.of(delivery).queues)
    if (&queue->from() == &delivery) return queue.get();
  return nullptr;
}

const DiskQueue* DiskQueues::to(const deliver::Delivery& delivery) const {
  for (const auto& queue : sources_.of(delivery).queues)
    if (&queue->to() == &delivery) return queue.get();
  return nullptr;
}

std::vector<QueueState> DiskQueues::states() const {
  std::vector<QueueState> states;
  for (const auto& source : sources_)
    for (const auto& queue : source.queues) {
      if (!queue->is_armed()) continue;
      states.push_back({source.inlet->name(), queue->handler(), queue->folder(), queue->waiting(),
                        queue->bytes(), queue->size_max(), queue->stuck()});
      if (!queue->is_overflow()) continue;
      states.back().bytes = queue->bytes_on_disk();
      states.back().overflows_since = queue->since();
    }
  return states;
}

std::uint64_t DiskQueues::overflowed() const {
  std::uint64_t sum = 0;
  for (const auto& source : sources_)
    for (const auto& queue : source.queues)
      if (queue->is_overflow()) sum += queue->bytes_on_disk();
  return sum;
}

// An overflow that is not armed has nothing, and one that is will be disarmed when its handler has
// all.
bool DiskQueues::all_drained(const std::vector<const deliver::HandlerLoop*>& left) const {
  const auto is_drained = [&](const auto& queue) {
    const auto& handler = handlers_[deliveries_.handler_with(queue->delivery_id())];
    const bool is_left = handler.held() || std::ranges::find(left, &handler) != left.end();
    if (queue->is_overflow()) return !queue->is_armed() || is_left;
    return queue->is_moved() && (queue->in_files() == 0 || is_left);
  };
  return std::all_of(sources_.begin(), sources_.end(), [&](const auto& source) {
    return std::all_of(source.queues.begin(), source.queues.end(), is_drained);
  });
}

bool DiskQueues::have_all_of(const deliver::HandlerLoop& handler) const {
  bool has_queue = false;
  for (const auto& delivery : handler.deliveries()) {
    const auto* queue = from(*delivery) ? from(*delivery) : to(*delivery);
    const auto& tally = delivery->tally();
    if (queue && queue->is_armed()) {
      if (!queue->is_moved() || !queue->is_synced()) return false;
      has_queue = true;
    } else if (tally.matched != tally.settled() + delivery->saved()) {
      return false;
    }
  }
  return has_queue;
}

void DiskQueues::finish() {
  for (auto& source : sources_)
    for (auto& queue : source.queues) queue->finish();
}

void DiskQueues::check_invariants() const {
  for (const auto& source : sources_)
    for (const auto& queue : source.queues) queue->check_invariants();
}

}  // namespace standpipe::worker
