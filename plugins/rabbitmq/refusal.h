// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "broker.h"

// The broker does not take messages so large: it closes the channel, and says its limit. That
// concerns one message, which nobody knows; so it is remembered for when they come again.
struct MessageTooLarge : standpipe::disconnected {
  MessageTooLarge(const std::string& text, std::uint64_t its_limit)
      : disconnected(text), limit(its_limit) {}
  std::uint64_t limit;  // bytes of a payload
};

// There is no exchange of that name. Where each message says its own, that concerns those which say
// this one.
struct MissingExchange : standpipe::fatal {
  MissingExchange(const std::string& text, std::string_view its_name)
      : fatal(text), name(its_name) {}
  std::string name;
};

// What the broker says as it closes a channel or connection, as an exception: `disconnected` for
// what passes, and `fatal`, with what to do, for what does not.
[[noreturn]] void throw_closed(const Broker& broker, unsigned code, std::string_view text);
// What the library says, while it was doing something: "connect to".
[[noreturn]] void throw_failed(const Broker& broker, std::string_view doing, int status);
// Returns if the reply is no refusal.
void expect_normal(const Broker& broker, std::string_view doing, const amqp_rpc_reply_t& reply);
