// SPDX-License-Identifier: Apache-2.0
#include "frame/reframe.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "frame/length_prefixed.h"
#include "frame/toy_lines.h"

using namespace standpipe::frame;

namespace {

const LengthPrefixed kPrefixed(1000);
const test::ToyLines kLines;

struct Result {
  Reframed done;
  std::string text;
};

Result copy(const Codec& from, std::string_view bytes, const Codec& to, std::size_t room = 10'000) {
  std::string out(room, '?');
  const auto done = reframe(from, std::as_bytes(std::span(bytes.data(), bytes.size())), to,
                            std::as_writable_bytes(std::span(out.data(), out.size())));
  return {done, out.substr(0, done.written)};
}

std::string prefixed(std::string_view payload) {
  return std::string{static_cast<char>(payload.size()), 0, 0, 0} + std::string(payload);
}

}  // namespace

TEST_CASE("frames are copied from one framing into another, and back") {
  const std::string lines = "one\n\nthree\n";
  const auto in = copy(kLines, lines, kPrefixed);
  CHECK(in.text == prefixed("one") + prefixed("") + prefixed("three"));
  CHECK(in.done.frames == 3);
  CHECK(in.done.consumed == lines.size());
  CHECK(copy(kPrefixed, in.text, kLines).text == lines);
}

TEST_CASE("into its own framing all stays as it is, however many frames there are") {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += prefixed(std::string(static_cast<std::size_t>(i % 7), 'x'));
  const auto same = copy(kPrefixed, all, kPrefixed);
  CHECK(same.text == all);
  CHECK(same.done.frames == 1000);
}

TEST_CASE("what finds no room is left, and how much it needs is returned") {
  const auto part = copy(kLines, "one\ntwo\nthree\n", kPrefixed, 15);
  CHECK(part.text == prefixed("one") + prefixed("two"));
  CHECK(part.done.frames == 2);
  CHECK(part.done.consumed == 8);
  CHECK(part.done.need == 9);
  const auto none = copy(kLines, "one\n", kPrefixed, 6);
  CHECK(none.done.consumed == 0);
  CHECK(none.done.need == 7);
}

TEST_CASE("what the new framing cannot have is passed over and counted") {
  const auto cut =
      copy(kPrefixed, prefixed("a") + prefixed("b\nb") + prefixed("c") + prefixed("\n"), kLines);
  CHECK(cut.text == "a\nc\n");
  CHECK(cut.done.frames == 4);
  CHECK(cut.done.refused == 2);
  CHECK(cut.done.consumed == 5 + 7 + 5 + 5);
  CHECK(copy(kLines, std::string(1001, 'x') + "\n", kPrefixed).done.refused == 1);
}
