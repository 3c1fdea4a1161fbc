// SPDX-License-Identifier: Apache-2.0
#include "held.h"

#include <string_view>

namespace nats {

bool is_of_stream(natsMsg* message) {
  const char* reply = natsMsg_GetReply(message);
  return reply && std::string_view(reply).starts_with("$JS.ACK.");
}

void Held::add(Messages messages) {
  const std::lock_guard lock(mutex_);
  for (auto& message : messages) waiting_.push_back({std::move(message), ++last_});
}

std::vector<std::string> Held::give_up_waiting() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> replies;
  for (const auto& one : waiting_)
    if (is_of_stream(one.message.get())) replies.emplace_back(natsMsg_GetReply(one.message.get()));
  waiting_.clear();
  return replies;
}

std::vector<std::string> Held::held_since_last_call() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> replies;
  for (const auto& one : put_)
    if (one.number <= last_at_call_) replies.push_back(one.reply);
  for (const auto& one : waiting_)
    if (one.number <= last_at_call_ && is_of_stream(one.message.get()))
      replies.emplace_back(natsMsg_GetReply(one.message.get()));
  last_at_call_ = last_;
  return replies;
}

void Held::clear() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  put_.clear();
}

}  // namespace nats
