// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "deliver/batch.h"
#include "deliver/call.h"
#include "deliver/crash_note.h"
#include "deliver/plugin_caller.h"
#include "deliver/shared_memory.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// What a worker and a handler's child have in common: the call that is to be made, and how far it
// is. Where messages lie is said by offsets, since the child maps their memory elsewhere.
//
// The worker writes the first part, and reads nothing of it again. The child writes the second, at
// any time and whatever it likes: it is copied before it is looked at, and all of it is checked.
struct CallPage {
  static constexpr std::size_t kSourceBytesMax = 4096;
  static constexpr std::size_t kFifoBytesMax = 4096;
  static constexpr std::size_t kReasonBytesMax = 2048;  // of the ABI's 508, escaped

  // ---- by the worker
  CallKind kind;
  std::uint32_t attempt;
  std::uint32_t frame_count, stretch_count, source_bytes, fifo_bytes;
  std::uint32_t creates;   // the plugin's instance is to be made first
  std::uint32_t stopping;  // the hub stops; at any time
  CallTerms terms;
  std::uint32_t resume_bytes;
  std::uint64_t ticket;
  char resume[STANDPIPE_RESUME_BYTES_MAX];
  char source[kSourceBytesMax];
  char fifo[kFifoBytesMax];
  BatchFrame frames[kBatchMessages];
  BatchStretch stretches[kBatchMessages];

  // ---- by the child
  alignas(4096) Flight flight;
  std::uint32_t answer_code;
  std::uint32_t answer_bytes;
  char answer[kReasonBytesMax];
  std::uint64_t culprit;
  CrashNote note;

  // The worker: what is to be called. The flight was prepared by Call.
  void write_request(const CallRequest& request, bool create);
  // The child: with its own `memory`.
  BatchParts batch(const std::byte* memory) const;
  std::string_view resume_text() const { return {resume, resume_bytes}; }
  // The child, and then the worker: what the plugin answered.
  void write_answer(const plugin::Answer& made);
  plugin::Answer read_answer() const;
};

// A CallPage in memory that outlives its worker, as this process has mapped it.
class SharedCallPage {
 public:
  SharedCallPage();                  // new and empty. Throws Failure.
  explicit SharedCallPage(Fd file);  // as an earlier worker left it. Throws Failure.

  CallPage* operator->() const { return reinterpret_cast<CallPage*>(memory_.base()); }
  CallPage& operator*() const { return *operator->(); }
  int fd() const { return memory_.fd(); }
  void close_file() { memory_.close_file(); }  // it stays mapped

 private:
  SharedMemory memory_;
};

// The names that the keeper has handlers' pages by begin so; and that of one handler.
inline constexpr std::string_view kCallPages = "call-page/";
std::string call_page_name(const std::string& handler);

}  // namespace standpipe::deliver
