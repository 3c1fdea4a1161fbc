// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "match/pointer.h"
#include "match/pointer_tree.h"
#include "match/value.h"

namespace standpipe::match {

constexpr std::size_t kJsonDepthMax = 1024;

// Payloads as JSON documents, one after the other in the same buffers, which keep the size of the
// largest so far: about 16 bytes a byte of it. simdjson is seen in json.cpp only.
//
// A document that is broken anywhere is none (so its DOM, and not its on-demand parser, which
// accepts what is broken behind the field that is asked for), and neither is one that is nested
// deeper than kJsonDepthMax or not UTF-8. Of duplicate keys the last wins. Integers beyond 64 bits
// and numbers beyond a double's range are no mistakes: see Value.
//
// One thread at a time.
class Json {
 public:
  enum class Verdict : std::uint8_t { good, broken, too_deep };

  Json();
  ~Json();
  Json(const Json&) = delete;
  Json& operator=(const Json&) = delete;

  // What was found before is invalid then.
  Verdict parse(std::string_view text);
  // In what was parsed last, which must be good. Text is valid until the next parse.
  Value find(const Pointer& pointer) const;
  // The same for all pointers of a tree, in one walk.
  void collect(const PointerTree& tree, FoundValues& found) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

// How many bytes at the beginning of a text could be JSON: where the first one stands that is
// wrong. All of them: the text ends too early, or it is JSON. Slow beside Json, for people who ask
// why a message is none.
std::size_t find_json_error(std::string_view text);

}  // namespace standpipe::match
