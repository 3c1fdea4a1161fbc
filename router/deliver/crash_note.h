// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace standpipe::deliver {

constexpr std::size_t kCrashNoteBytes = 6000;
constexpr std::size_t kCrashFramesMax = 32;

// Where a thread was when it crashed or ended the process, in memory that outlives the process, so
// that the next worker can report it. Plain words.
struct CrashNote {
  std::uint32_t signal = 0;  // 0: it ended the process
  std::uint32_t length = 0;  // of text; stored after each line
  char text[kCrashNoteBytes] =
      {};  // a line a frame, the innermost first: "/path/plugin.so+0x1234 symbol"
};

// Loads what a backtrace needs; to be called once before the first crash.
void prepare_crash_notes();
// From a crash handler: calls nothing that allocates. A thread that holds the loader's lock could
// keep it waiting, so the process is ended (SIGALRM) when it takes longer than two seconds.
// `address`: what could not be reached. `code`: the instruction, where the frames begin that say
// something; may be null.
void write_crash_note(CrashNote& note, int signal, const void* address, const void* code);
// The lines, for people: of whatever a process gone wild may have left there.
std::vector<std::string> lines_of(const CrashNote& note);

}  // namespace standpipe::deliver
