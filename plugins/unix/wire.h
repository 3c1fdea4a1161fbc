// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace unix_socket {

// What the two ends agree upon, and the bytes that follow from it. PROTOCOL.md has them for authors
// of other ends.
//
//   a message       [length] [sequence] [bytes of pairs, pairs] payload
//                    stream   ack        metadata
//   an answer       [length] kind sequence reason
struct Wire {
  bool is_packets = false;  // a packet is a message: there is no length
  bool is_lines = false;    // payload and '\n'
  bool has_acks = false;
  bool has_metadata = false;
  std::size_t message_max = 0;  // bytes of a payload

  std::size_t length_bytes() const { return is_packets || is_lines ? 0 : sizeof(std::uint32_t); }
  // From a message's first byte to its pairs, or its payload.
  std::size_t head_bytes() const {
    return length_bytes() + (has_acks ? sizeof(std::uint64_t) : 0) +
           (has_metadata ? sizeof(std::uint32_t) : 0);
  }
};

constexpr std::size_t kGreetingBytes = 12;
// The largest of what may stand between a length and a payload: sequence and metadata.
constexpr std::size_t kPairsMax = STANDPIPE_META_BYTES_MAX + STANDPIPE_META_PAIRS_MAX * 8;
constexpr std::size_t kOverheadMax = sizeof(std::uint64_t) + sizeof(std::uint32_t) + kPairsMax;
constexpr std::size_t kReasonMax = 240;

template <class Number>
Number read_number(const char* from) {
  static_assert(std::endian::native == std::endian::little);
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}
template <class Number>
void write_number(char* to, Number number) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(to, &number, sizeof number);
}

// The first bytes that either end sends where messages are acknowledged.
struct Greeting {
  bool has_metadata = false;
  std::uint32_t message_max = 0;

  std::string bytes() const;
  // nullopt: these bytes are no greeting of this version.
  static std::optional<Greeting> read(std::string_view bytes);
};

// What a receiver says of messages. An acknowledgement is of all messages up to that sequence; a
// refusal is of one, which will never be accepted.
struct Answer {
  enum class Kind : char { acknowledge = 'a', reject = 'r' };
  Kind kind = Kind::acknowledge;
  std::uint64_t sequence = 0;
  std::string_view reason = {};

  std::string bytes(bool is_packet) const;
  // Of a packet, or of what follows a length.
  static std::optional<Answer> read(std::string_view bytes);
};
constexpr std::size_t kAnswerBytesMin = 1 + sizeof(std::uint64_t);
constexpr std::size_t kAnswerBytesMax = kAnswerBytesMin + kReasonMax;

// Metadata in a message.
void append_pair(std::string& out, std::string_view name, std::string_view value);
// false: these are no pairs. The result borrows the bytes.
bool read_pairs(std::string_view bytes, std::vector<standpipe_pair>& pairs);

// A message without its length, taken apart. It borrows the bytes.
struct Parts {
  std::uint64_t sequence = 0;
  std::string_view pairs, payload;
  // nullopt: it is shorter than what it must have.
  static std::optional<Parts> read(const Wire& wire, std::string_view bytes);
};

}  // namespace unix_socket
