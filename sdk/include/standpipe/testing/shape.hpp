// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/shape.hpp: hosts whose structs are shorter or longer than those of this header.
// Part of testing.hpp.
#pragma once

#include <standpipe/plugin.h>

#include <cstddef>
#include <cstdint>

namespace standpipe::testing {

// Which host the kit stands in for.
enum class Shape {
  today,    // the structs of this header
  minor_0,  // the first host: no metadata, notes and tickets, and no power but plain FIFO outputs
  larger    // a host to come: every struct and row is longer, and what it has more is no zero
};

namespace detail {

constexpr std::size_t kLonger = 64;
constexpr std::uint8_t kUnknownByte = 0xa5;  // what fields of a host to come hold

// How many bytes a struct of this host has that ended at `minor_0_end` in the first one.
constexpr std::size_t shaped(Shape shape, std::size_t minor_0_end, std::size_t today) {
  if (shape == Shape::minor_0) return minor_0_end;
  return shape == Shape::larger ? today + kLonger : today;
}

constexpr std::size_t row_bytes(Shape shape) {
  return shaped(shape, offsetof(standpipe_message, meta), sizeof(standpipe_message));
}
constexpr std::size_t batch_bytes(Shape shape) {
  return shaped(shape, offsetof(standpipe_batch, ticket), sizeof(standpipe_batch));
}
constexpr std::size_t result_bytes(Shape shape) {
  return shaped(shape, offsetof(standpipe_result, notes), sizeof(standpipe_result));
}
constexpr std::size_t value_bytes(Shape shape) {
  return shaped(shape, sizeof(standpipe_value), sizeof(standpipe_value));
}
constexpr std::size_t config_bytes(Shape shape) {
  return shaped(shape, sizeof(standpipe_config), sizeof(standpipe_config));
}
constexpr std::size_t host_bytes(Shape shape) {
  return shaped(shape, sizeof(standpipe_host), sizeof(standpipe_host));
}

}  // namespace detail
}  // namespace standpipe::testing
