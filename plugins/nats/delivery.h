// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace nats {

// What the reply subject of a stream's message says of it; borrows from it.
struct Delivery {
  std::string_view stream, num_delivered, stream_sequence;
};

// $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>,
// or, since ADR-15 of NATS, with <domain>.<account hash> before the stream and one token behind.
inline Delivery delivery_of(std::string_view reply) {
  std::array<std::string_view, 12> tokens;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= reply.size() && count < tokens.size(); ++count) {
    auto end = reply.find('.', begin);
    if (end == std::string_view::npos) end = reply.size();
    tokens[count] = reply.substr(begin, end - begin);
    begin = end + 1;
  }
  const std::size_t stream = count >= 11 ? 4 : 2;
  return {tokens[stream], tokens[stream + 2], tokens[stream + 3]};
}

}  // namespace nats
