// SPDX-License-Identifier: Apache-2.0
#include "deliver/crash_note.h"

#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace standpipe::deliver;

namespace {

using Lines = std::vector<std::string>;

// A note as a process left it, with that text.
std::unique_ptr<CrashNote> note_of(const std::string& text) {
  auto note = std::make_unique<CrashNote>();
  note->length = static_cast<std::uint32_t>(text.size());
  std::memcpy(note->text, text.data(), text.size());
  return note;
}

// Whoever crashed called this: where it returns to is a frame of the backtrace.
[[gnu::noinline]] std::size_t frames_from_here(CrashNote& note, bool only_from_here) {
  const void* here = __builtin_extract_return_addr(__builtin_return_address(0));
  write_crash_note(note, SIGABRT, nullptr, only_from_here ? here : nullptr);
  return static_cast<std::size_t>(std::count(note.text, note.text + note.length, '\n'));
}

}  // namespace

TEST_CASE("a note has the signal, what could not be reached, and a line a frame") {
  prepare_crash_notes();
  auto note = std::make_unique<CrashNote>();
  write_crash_note(*note, SIGSEGV, reinterpret_cast<const void*>(0xab0), nullptr);
  CHECK(note->signal == SIGSEGV);
  const auto lines = lines_of(*note);
  REQUIRE(lines.size() > 2);
  CHECK(lines[0] == "address 0xab0");
  CHECK(lines[1].find("+0x") != std::string::npos);
}

TEST_CASE("only a fault of memory has an address") {
  auto note = std::make_unique<CrashNote>();
  write_crash_note(*note, SIGBUS, nullptr, nullptr);
  CHECK(lines_of(*note)[0] == "address 0x0");
  for (const int signal : {SIGABRT, 0}) {
    write_crash_note(*note, signal, nullptr, nullptr);
    CHECK(note->signal == static_cast<std::uint32_t>(signal));
    CHECK(lines_of(*note)[0].find("address") == std::string::npos);
  }
}

TEST_CASE("frames begin with the code that crashed, where that is one of them") {
  auto note = std::make_unique<CrashNote>();
  const auto all = frames_from_here(*note, false);
  const auto from_here = frames_from_here(*note, true);
  CHECK(from_here < all);
  CHECK(from_here > 0);
}

TEST_CASE("the first ten lines are reported, and nothing of a note that is empty") {
  CHECK(lines_of(*note_of("")).empty());
  CHECK(lines_of(*note_of("one\ntwo\n")) == Lines{"one", "two"});
  std::string many;
  for (int i = 0; i < 20; ++i) many += "frame\n";
  CHECK(lines_of(*note_of(many)) == Lines(10, "frame"));
}

TEST_CASE("whatever a process gone wild has left is read within its bounds, and shown harmlessly") {
  auto note = note_of("\x1b[2J\n");
  CHECK(lines_of(*note)[0].find('\x1b') == std::string::npos);
  std::memset(note->text, 'x', sizeof note->text);
  note->length = ~std::uint32_t{0};
  const auto lines = lines_of(*note);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].size() == kCrashNoteBytes);
}
