// SPDX-License-Identifier: Apache-2.0
#include "frame/bad_length.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

using standpipe::frame::BadLength;

namespace {

using namespace std::string_view_literals;

BadLength explained(std::string_view head, bool after_frames = false,
                    std::uint64_t limit = 16 << 20) {
  return standpipe::frame::explain_bad_length(std::as_bytes(std::span(head.data(), head.size())),
                                              limit, after_frames, "raise the limit");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a length that is text is reported as text, with how to make frames of it") {
  CHECK(explained("hello\n").note ==
        "its length is the text \"hell\": a writer sends plain text, not frames");
  CHECK(has(explained("hello\n").help, "use `standpipe send`"));
}

TEST_CASE(
    "text after whole frames may be a print among them, or the frames of several writers mixed") {
  const auto why = explained("debug: queue len 4\n", true);
  CHECK(
      has(why.note,
          "the text \"debu\": a writer prints text between its frames, or several write at once"));
  CHECK(has(why.help, "one write of at most 4,096 bytes"));
  CHECK(has(why.help, "flock"));
}

TEST_CASE("big-endian lengths are recognised by what came with them") {
  CHECK(has(explained("\0\0\0\x08xxxxxxxx"sv).note,
            "(big endian) its length is 8, which is within the limit"));
  CHECK(has(explained("\0\0\0\x08xxxxxxxx"sv).help, "little endian"));
  CHECK(has(explained("\0\0\0\x01x\0\0\0\x02xx\0\0"sv, true).note,
            "its length is 1,"));  // some frames, a part of the next
  CHECK(has(explained("\0\0\x30\x00 a part of it"sv).note, "its length is 12,288,"));
}

TEST_CASE("what is no chain of big-endian frames is not reported as one") {
  CHECK(explained("\0\0\0\x01xyyyy"sv).note.empty());  // the next length makes no sense
  CHECK(explained("\0\0\0\x09xxxxxxxxx"sv, false, 8).note.empty());  // over the limit that way, too
  CHECK(explained("\0h\0e\0l\0l\0o"sv).note.empty());                // text of 16 bits a character
  CHECK(explained("\xff\xff\xff\xff\0\0\0\0"sv).note.empty());
  CHECK(explained("\0\0"sv).note.empty());
}

TEST_CASE("nonsense after whole frames gets the hint at one write a frame, and at the limit") {
  const auto why = explained("\xff\xff\xff\xff", true);
  CHECK(has(why.note, "several write at once and their frames are mixed"));
  CHECK(has(why.help, "one write of at most 4,096 bytes"));
  CHECK(has(why.help, "raise the limit"));
  CHECK(explained("\xff\xff\xff\xff").help == "look at its writers, or raise the limit");
}
