// SPDX-License-Identifier: Apache-2.0
#include "worker/event_key.h"

#include <catch2/catch.hpp>
#include <set>

using namespace standpipe::worker;

TEST_CASE("a key says what it is about and which one, up to the last index") {
  for (const Kind kind : {kInlet, kHandler, kOutlet, kOverflow})
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}, std::size_t{0xffffffff}}) {
      CHECK(kind_of(key(kind, index)) == kind);
      CHECK(index_in(key(kind, index)) == index);
    }
}

TEST_CASE("keys of different kinds or indexes differ") {
  std::set<std::uint64_t> keys;
  for (std::uint64_t kind = kInlet; kind <= kOverflow; ++kind)
    for (std::size_t index = 0; index < 3; ++index)
      CHECK(keys.insert(key(static_cast<Kind>(kind), index)).second);
}
