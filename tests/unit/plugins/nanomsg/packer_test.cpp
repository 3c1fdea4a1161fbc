// SPDX-License-Identifier: Apache-2.0
#include "nanomsg/packer.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using standpipe::testing::Message;
using standpipe::testing::Options;

std::string packed(Options options, const Message& message) {
  options.try_emplace("urls", "[tcp://127.0.0.1:1]");
  const bridge::Given given(options);
  Packer packer(given);
  return std::string(packer.bytes_of(*bridge::Seen(message)));
}

// A text with its length, 4 bytes, little endian.
std::string text(std::string_view its) {
  return std::string{static_cast<char>(its.size()), 0, 0, 0} + std::string(its);
}

}  // namespace

TEST_CASE("one message is one SP message, or each has its length") {
  CHECK(packed({}, {"payload"}) == "payload");
  CHECK(packed({{"framing", "length_prefixed"}}, {"payload"}) == text("payload"));
  CHECK(packed({{"framing", "length_prefixed"}}, {""}) == text(""));
}

TEST_CASE("metadata is a frame before the payload") {
  const Options options{{"framing", "length_prefixed"},
                        {"metadata", "true"},
                        {"headers", "{id: {source}:{sequence}}"}};
  const auto metadata = text("key") + text("k") + text("id") + text("in:7");
  CHECK(packed(options, {"one", 7, 0, {{"key", "k"}}}) == text(metadata) + text("one"));
}

TEST_CASE("a topic is before the message, and one that is missing is a reason to reject it") {
  const Options options{{"protocol", "pub"}, {"topic", "{json:/kind}|"}};
  CHECK(packed(options, {R"({"kind":"pump"})"}) == R"(pump|{"kind":"pump"})");
  CHECK_THROWS_WITH(packed(options, {"plain"}), Catch::Contains("it has no topic"));
  CHECK_THROWS_WITH(packed({{"topic", "x"}}, {""}), Catch::StartsWith("topic: "));
}

TEST_CASE("what exceeds recv_max_size with its length is rejected, with both numbers") {
  const Options options{{"framing", "length_prefixed"}, {"recv_max_size", "1KiB"}};
  CHECK(packed(options, {std::string(1020, 'x')}).size() == 1024);
  CHECK_THROWS_WITH(packed(options, {std::string(1021, 'x')}),
                    Catch::Contains("1025") && Catch::Contains("recv_max_size is 1024"));
  const Options plain{{"recv_max_size", "1KiB"}};
  CHECK(packed(plain, {std::string(1024, 'x')}).size() == 1024);
  CHECK_THROWS_WITH(packed(plain, {std::string(1025, 'x')}), Catch::Contains("1025"));
}

TEST_CASE("a message that is sent as it is, is not copied") {
  const bridge::Given given(Options{{"urls", "[tcp://127.0.0.1:1]"}});
  Packer packer(given);
  const bridge::Seen seen(Message{"payload"});
  CHECK(packer.is_of_one());
  CHECK(packer.bytes_of(*seen).data() == (*seen).text().data());
}

TEST_CASE("as many messages as there is room for are one SP message") {
  const bridge::Given given(
      Options{{"urls", "[tcp://127.0.0.1:1]"}, {"framing", "length_prefixed"}});
  const Packer packer(given);
  CHECK(packer.has_room(0, "", 1 << 30));
  CHECK(packer.has_room(2047, "", 10));
  CHECK_FALSE(packer.has_room(2048, "", 10));
  CHECK_FALSE(packer.has_room(1, std::string(512 << 10, 'x'), 10));
  const bridge::Given plain(Options{{"urls", "[tcp://127.0.0.1:1]"}});
  CHECK_FALSE(Packer(plain).has_room(1, "", 1));
}
