// SPDX-License-Identifier: Apache-2.0
#include "refusal.h"

#include <cstring>

#include "streams.h"

namespace nats {

// What is not known here is an outage: the message waits and is sent again. That holds for a stream
// that is full (`discard: new`), for a store that fails and for a cluster that has no leader, and
// it never loses anything.
Refusal refusal_of(const jsPubAckErr& error) {
  int code = 0;  // a newer server may have one that the library's enumeration does not have
  static_assert(sizeof code == sizeof error.ErrCode);
  std::memcpy(&code, &error.ErrCode, sizeof code);
  const std::string text = error.ErrText ? error.ErrText : natsStatus_GetText(error.Err);
  const auto fault = jetstream_fault(error.Err, code);
  if (!fault.empty()) return {Refusal::For::all_until_mended, fault};
  switch (code) {
    case kMessageExceedsMaximum:
      return {Refusal::For::this_message,
              "it is above the stream's max_msg_size (the server says: " + text + ")"};
    case kHeadersExceedMaximum:
      return {Refusal::For::this_message,
              "its headers are larger than JetStream's limit of 64 KiB (the server says: " + text +
                  ")"};
    case kStreamNotMatch:
      return {Refusal::For::all_until_mended,
              "the subject belongs to another stream than the option stream says: correct one of "
              "them"};
    case kStreamSealed:
      return {Refusal::For::all_until_mended,
              "the stream is sealed and takes no message: use another one"};
    default:
      return {Refusal::For::all_for_now, "the stream does not take it: " + text};
  }
}

std::optional<RefusedSubject> refused_subject(std::string_view said) {
  constexpr std::string_view kBegin = "Permissions Violation for Publish to \"";
  const auto at = said.find(kBegin);
  if (at == said.npos) return std::nullopt;
  said.remove_prefix(at + kBegin.size());
  const bool is_whole = said.ends_with('"');
  if (is_whole) said.remove_suffix(1);
  return RefusedSubject{std::string(said), is_whole};
}

}  // namespace nats
