// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace standpipe::config {

// One of `tests:`, checked and resolved: what is sent, which handlers fail, and what is expected.

// What a writer sends, who then closes the FIFO.
struct SendOptions {
  std::size_t source = 0;
  bool raw = false;   // as it lies in the FIFO; else it is one message, which is framed
  std::string bytes;  // or
  std::string file;   // that has them; absolute
  std::vector<std::pair<std::string, std::string>> meta = {};
};

// A value that a JSON document must have, where `pointer` (RFC 6901) leads.
struct JsonWanted {
  enum class Kind { scalar, array, object };
  std::string pointer;
  Kind kind = Kind::scalar;
  std::string text;       // of a scalar, as JSON
  std::size_t items = 0;  // of an array: it has so many
};

// What one payload must be: all that is given.
struct PayloadWanted {
  std::optional<std::string> payload = {}, prefix = {};
  std::vector<JsonWanted> json = {};
};

// What becomes of messages, beside the handlers that get them.
enum class Fate { unmatched, dead_letter, dropped, waiting, bad_frame, truncated };
constexpr std::size_t kFates = 6;
// As `expect:` calls them, and the account.
constexpr std::array<const char*, kFates> kFateNames = {"unmatched", "dead_letter", "dropped",
                                                        "waiting",   "bad_frame",   "truncated"};
inline const char* name_of(Fate fate) { return kFateNames[static_cast<std::size_t>(fate)]; }
// Faults are no messages: they can only be counted.
inline bool is_fault(Fate fate) { return fate >= Fate::bad_frame; }

// Of the messages that one handler gets, or that have one fate.
struct ExpectOptions {
  std::optional<std::size_t> handler = {};  // or
  Fate fate = Fate::unmatched;
  std::string name = {};  // of either
  std::optional<std::uint64_t> count =
      {};                 // empty: as many as `payloads` in order, or at least one
  bool in_order = false;  // `payloads` are of one message each; else the only one is of all
  std::vector<PayloadWanted> payloads = {};
  std::string place = {};  // "orders.yaml:87:5"
};

// A handler that answers so to each message.
struct FailOptions {
  std::size_t handler = 0;
  enum class With { retry, reject } with = With::reject;
};

struct TestOptions {
  std::string name;
  std::string place;  // "orders.yaml:87:5"
  std::vector<SendOptions> sends = {};
  std::vector<FailOptions> fails = {};
  std::vector<ExpectOptions> expects = {};
};

}  // namespace standpipe::config
