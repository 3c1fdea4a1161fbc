// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "library.h"

namespace nats {

// Error codes of JetStream, which nats-server documents and the library's header does not have.
enum : int {
  kConsumerNotFound = 10014,
  kNotEnabledForAccount = 10039,
  kMessageExceedsMaximum = 10054,
  kStreamNotFound = 10059,
  kStreamNotMatch = 10060,
  kNotEnabled = 10076,
  kHeadersExceedMaximum = 10097,
  kStreamSealed = 10109,
};

// What a stream's refusal of a message means: for that message alone, or for all.
struct Refusal {
  enum class For { this_message, all_for_now, all_until_mended };
  For whom;
  std::string why;
};
Refusal refusal_of(const jsPubAckErr& error);

// The subject of a publication that the server does not permit. The library cuts what the server
// says at 255 bytes, so of a long one only the beginning is known.
struct RefusedSubject {
  std::string text;
  bool is_whole = true;
  bool is(std::string_view subject) const {
    return is_whole ? subject == text : subject.starts_with(text);
  }
};
// What the server says: Permissions Violation for Publish to "SUBJECT". Nothing where it is about
// something else.
std::optional<RefusedSubject> refused_subject(std::string_view said);

}  // namespace nats
