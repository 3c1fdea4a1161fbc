// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"
#include "sender.h"
#include "settings.h"

namespace unix_socket {

// The handler: encodes batches into blocks for its sender, within the window, and takes the
// messages. The sender settles them.
class Handler {
 public:
  static void describe(standpipe::Description& d) {
    unix_socket::describe(d.own_process().settles_later());
  }
  explicit Handler(const standpipe::Options& options);

  void open() { sender_.open(); }
  void handle(standpipe::Batch& batch);
  std::optional<std::chrono::nanoseconds> tick();
  void flush(std::chrono::nanoseconds left);
  void close() { sender_.close(); }

 private:
  std::size_t encode(standpipe::Batch& batch, std::size_t i, const Outbox::Room& room);
  std::string_view pairs_of(const standpipe::Message& message);
  std::optional<std::string> refusal(const standpipe::Message& message, std::string_view pairs,
                                     const Outbox::Limits& limits) const;
  void check_connection();

  Settings settings_;
  std::vector<std::pair<std::string, common::Template>> headers_;
  common::Fields fields_;
  std::string pairs_, text_;
  Sender sender_;
};

}  // namespace unix_socket
