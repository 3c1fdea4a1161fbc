// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <amqp.h>

#include <string_view>

// The library's bytes as C++ has them, both borrowed.
inline amqp_bytes_t to_amqp(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view from_amqp(const amqp_bytes_t& bytes) {
  return bytes.len > 0 ? std::string_view(static_cast<const char*>(bytes.bytes), bytes.len)
                       : std::string_view();
}
