// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol.h"

// What a receiver knows of the senders that number their batches (PROTOCOL.md): of each session,
// what it has received and what is safe. It keeps the order: a batch before which one is missing is
// passed over, since its sender will send both again.
//
// At most kSessionsMost; a sender that is forgotten may send again what it has sent, and loses
// nothing.
class Sessions {
 public:
  static constexpr std::size_t kSessionsMost = 4096;
  enum class Next {
    take,    // its messages are to be brought, and then `safe` is to be called
    answer,  // it was brought before
    ignore
  };

  Next receive(std::string_view peer, const BatchHead& head);
  void refuse(std::uint64_t session, Refusal refusal);
  // This batch and all below it are safe.
  void make_safe(std::uint64_t session, std::uint64_t id);
  // Calls send(peer, frames) for each session about which there is something to say since the last
  // call.
  template <class Send>
  void answer(Send&& send) {
    for (const auto session : to_answer_)
      if (const auto found = sessions_.find(session); found != sessions_.end())
        send(found->second.peer, frames_of(session, found->second));
    to_answer_.clear();
  }

 private:
  struct Session {
    std::string peer;  // which spoke for it last
    std::uint64_t received = 0, safe = 0;
    std::uint64_t heard = 0;  // when, by the count of batches
    std::deque<Refusal> refusals;
  };
  Session& session_of(std::uint64_t number);
  std::vector<std::string> frames_of(std::uint64_t number, const Session& session) const;
  void say(std::uint64_t session);

  std::map<std::uint64_t, Session> sessions_;
  std::vector<std::uint64_t> to_answer_;
  std::uint64_t batches_ = 0;
};
