// SPDX-License-Identifier: Apache-2.0
#include "deliver/join_buffer.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;

namespace {

std::string join(std::vector<std::string> texts, std::size_t most) {
  std::vector<iovec> pieces;
  for (auto& text : texts) pieces.push_back({text.data(), text.size()});
  deliver::JoinBuffer buffer;
  const auto joined = buffer.join(pieces, most);
  return {static_cast<const char*>(joined.iov_base), joined.iov_len};
}

bool is_worthwhile(std::size_t pieces, std::size_t bytes) {
  const std::vector<iovec> all(pieces, {nullptr, bytes});
  return deliver::JoinBuffer::is_worthwhile(all);
}

}  // namespace

TEST_CASE("pieces are joined in order, up to a limit") {
  CHECK(join({"one", "", "two", "three"}, 100) == "onetwothree");
  CHECK(join({"one", "", "two", "three"}, 8) == "onetwoth");
}

TEST_CASE("many small pieces are worth a copy, few or large ones are not") {
  CHECK(is_worthwhile(8, 132));
  CHECK_FALSE(is_worthwhile(7, 132));
  CHECK_FALSE(is_worthwhile(8, 1000));
}
