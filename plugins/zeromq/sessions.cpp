// SPDX-License-Identifier: Apache-2.0
#include "sessions.h"

#include <algorithm>

Sessions::Next Sessions::receive(std::string_view peer, const BatchHead& head) {
  auto& session = session_of(head.session);
  session.peer = peer;
  session.heard = ++batches_;
  session.received = std::max(session.received, head.base - 1);
  session.safe = std::max(session.safe, head.base - 1);
  while (!session.refusals.empty() && session.refusals.front().id < head.base)
    session.refusals.pop_front();
  if (head.id > session.received + 1) return Next::ignore;
  if (head.id == session.received + 1) {
    session.received = head.id;
    return Next::take;
  }
  if (head.id > session.safe) return Next::ignore;  // its answer is to come
  say(head.session);
  return Next::answer;
}

void Sessions::refuse(std::uint64_t session, Refusal refusal) {
  if (const auto found = sessions_.find(session); found != sessions_.end())
    found->second.refusals.push_back(std::move(refusal));
}

void Sessions::make_safe(std::uint64_t session, std::uint64_t id) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  found->second.safe = std::max(found->second.safe, id);
  say(session);
}

Sessions::Session& Sessions::session_of(std::uint64_t number) {
  if (const auto found = sessions_.find(number); found != sessions_.end()) return found->second;
  if (sessions_.size() >= kSessionsMost)
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](auto& a, auto& b) {
      return a.second.heard < b.second.heard;
    }));
  return sessions_[number];
}

std::vector<std::string> Sessions::frames_of(std::uint64_t number, const Session& session) const {
  std::vector<std::string> frames{Answer{number, session.safe}.encoded()};
  for (const auto& refusal : session.refusals)
    if (refusal.id <= session.safe) frames.push_back(refusal.encoded());
  return frames;
}

void Sessions::say(std::uint64_t session) {
  if (std::find(to_answer_.begin(), to_answer_.end(), session) == to_answer_.end())
    to_answer_.push_back(session);
}
