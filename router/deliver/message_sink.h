// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "deliver/made_messages.h"

namespace standpipe::deliver {

// Where messages go that a plugin makes: the source that it is for routes. The loop's thread.
//
//   room -> a call is made -> append, resume, committed by the caller -> call_is_over
class MessageSink {
 public:
  // What the next call may make, which finds room for certain until call_is_over. `bytes`: the
  // least that it wants; 0: whatever is usual. nullopt: there is no room now; the handler is woken
  // when there is, or at `ask_again`. May commit.
  virtual std::optional<MakeCredit> room(std::uint64_t bytes) = 0;
  virtual std::optional<Nanoseconds> ask_again() const { return std::nullopt; }
  // The caller commits.
  virtual void append(std::span<const MadeMessage> messages) = 0;
  virtual void call_is_over() = 0;
  virtual std::uint64_t message_size_max() const = 0;  // bytes of a payload

  // ---- of a source plugin
  // Where it goes on after all that was appended. The caller commits.
  virtual void keep_resume(std::string_view /*text*/) {}
  virtual std::string resume() const { return {}; }
  // Up to which message it may tell its broker that all is safe.
  virtual std::uint64_t safe_until() const { return 0; }

 protected:
  ~MessageSink() = default;
};

}  // namespace standpipe::deliver
