// SPDX-License-Identifier: Apache-2.0
#include "deliver/crash_note.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/in_order.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr unsigned kSecondsMost = 2;
constexpr std::size_t kLinesReported = 10;  // where it was; how it came there is the hub's

// Appends to the note as far as there is room; allocates nothing.
class NoteWriter {
 public:
  explicit NoteWriter(CrashNote& note) : note_(note) {}
  void text(std::string_view text) {
    for (const char c : text)
      if (at_ < kCrashNoteBytes) note_.text[at_++] = c;
  }
  void hex(std::uintptr_t number) {
    std::array<char, 16> digits{};
    std::size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[number % 16];
    } while ((number /= 16) != 0);
    text("0x");
    while (count > 0) text({&digits[--count], 1});
  }
  void end_line() {
    text("\n");
    store_in_order(note_.length, static_cast<std::uint32_t>(at_));
  }

 private:
  CrashNote& note_;
  std::size_t at_ = 0;
};

// Ends a process that waits for a lock that is never released.
void bound_by_alarm() {
  (void)::signal(SIGALRM, SIG_DFL);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  ::alarm(kSecondsMost);
}

void write_frame(NoteWriter& out, const void* frame) {
  Dl_info where{};
  if (::dladdr(frame, &where) == 0 || !where.dli_fname) {
    out.hex(reinterpret_cast<std::uintptr_t>(frame));
    return out.end_line();
  }
  out.text(where.dli_fname);
  out.text("+");
  out.hex(reinterpret_cast<std::uintptr_t>(frame) -
          reinterpret_cast<std::uintptr_t>(where.dli_fbase));
  if (where.dli_sname) {
    out.text(" ");
    out.text(where.dli_sname);
  }
  out.end_line();
}

}  // namespace

void prepare_crash_notes() {
  std::array<void*, 2> frames{};
  (void)::backtrace(frames.data(), static_cast<int>(frames.size()));
}

void write_crash_note(CrashNote& note, int signal, const void* address, const void* code) {
  note.length = 0;
  store_in_order(note.signal, static_cast<std::uint32_t>(signal));
  bound_by_alarm();
  NoteWriter out(note);
  if (signal == SIGSEGV || signal == SIGBUS) {
    out.text("address ");
    out.hex(reinterpret_cast<std::uintptr_t>(address));
    out.end_line();
  }
  std::array<void*, kCrashFramesMax> frames{};
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  const auto all = std::span(frames).first(static_cast<std::size_t>(std::max(count, 0)));
  const auto begin = std::find(all.begin(), all.end(), code);
  for (const auto* frame :
       all.subspan(begin == all.end() ? 0 : static_cast<std::size_t>(begin - all.begin())))
    write_frame(out, frame);
  ::alarm(0);
}

std::vector<std::string> lines_of(const CrashNote& note) {
  std::vector<std::string> lines;
  std::string_view rest(note.text, std::min<std::size_t>(note.length, kCrashNoteBytes));
  while (!rest.empty() && lines.size() < kLinesReported) {
    const auto end = std::min(rest.find('\n'), rest.size());
    lines.push_back(escaped(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace standpipe::deliver
