// SPDX-License-Identifier: Apache-2.0
#include "deliver/making.h"

#include <standpipe/wire.h>

#include <algorithm>
#include <utility>

namespace standpipe::deliver {

Making::Making(MessageSink& sink, std::string name, bool is_shared, Reporter& reporter)
    : sink_(sink),
      name_(std::move(name)),
      reporter_(reporter),
      is_shared_(is_shared),
      region_(sink.message_size_max()) {}

bool Making::prepare() {
  const auto credit = sink_.room(wanted_);
  credit_ = credit.value_or(MakeCredit{});
  return credit.has_value();
}

void Making::take(Nanoseconds now) {
  (void)read(now);
  wanted_ = std::min(region_.wanted(), credit_.bytes_max);
}

void Making::take(Flight& flight, std::uint32_t count, Nanoseconds now) {
  auto& result = flight.result;
  if (!read(now)) result.at = 0;
  const bool is_first_left = result.at == 0 && count > 0;
  // Twice as much, so that one who makes many of one message is not asked again for each of them.
  wanted_ = !is_first_left || region_.wanted() == 0
                ? 0
                : std::min(std::max(region_.wanted(), 2 * credit_.bytes), credit_.bytes_max);
  refuse_taken(flight, now);
}

// false: what its process left is none of what a plugin can make.
bool Making::read(Nanoseconds now) {
  auto found = region_.messages(is_shared_ ? &copy_ : nullptr);
  messages_ = found ? std::move(*found) : std::vector<MadeMessage>();
  resume_ = region_.resume();
  if (found && is_within_credit()) return true;
  messages_.clear();
  resume_.reset();
  std::uint64_t left_out = 0;
  if (faults_.allow(now, left_out))
    reporter_.error("plugin", name_ +
                                  ": its process left nonsense where its messages are: nothing "
                                  "is taken of that call");
  return false;
}

bool Making::is_within_credit() const {
  if (messages_.size() > credit_.messages) return false;
  std::uint64_t bytes = MessageMaker::kBlockHeadBytes;
  for (const auto& message : messages_) {
    if (message.payload.size() > credit_.message_size_max) return false;
    bytes += MessageMaker::cost_of(message.payload.size(), message.fields.size());
  }
  return messages_.empty() || bytes <= credit_.bytes;
}

// What is settled later has no commit that it could be made in.
void Making::refuse_taken(Flight& flight, Nanoseconds now) {
  bool has_some = false;
  for (const auto& message : messages_) {
    if (message.of >= flight.result.at || flight.outcomes[message.of] != STANDPIPE_TAKEN) continue;
    flight.outcomes[message.of] = STANDPIPE_RETRY;
    has_some = true;
  }
  std::uint64_t left_out = 0;
  if (has_some && faults_.allow(now, left_out))
    reporter_.error("plugin", name_ +
                                  ": its plugin emits something of a message that it settles "
                                  "later, which cannot be one step: the message is retried");
}

void Making::append(const Outcomes& outcomes, const Settlement& settlement) {
  finals_.clear();
  std::copy_if(messages_.begin(), messages_.end(), std::back_inserter(finals_), [&](const auto& m) {
    return m.of == STANDPIPE_OF_NONE ||
           (settlement.is_final(m.of) && outcomes.of(m.of) != STANDPIPE_RETRY);
  });
  if (!finals_.empty()) sink_.append(finals_);
}

void Making::append() {
  finals_.swap(messages_);
  if (!finals_.empty()) sink_.append(finals_);
  if (resume_) sink_.keep_resume(*resume_);
}

std::size_t Making::end() {
  credit_ = {};
  sink_.call_is_over();
  messages_.clear();
  resume_.reset();
  return std::exchange(finals_, {}).size();
}

}  // namespace standpipe::deliver
