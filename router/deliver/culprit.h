// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "deliver/account.h"

namespace standpipe::deliver {

// Says which handler's call this thread is in, for as long as it lives. A thread that crashes, or ends the process, writes that
// into `word`, which the next worker reads: so no innocent call that was in progress beside it is suspected.
class CulpritMark {
 public:
  // The process's crash handlers (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, and exit) write to this word from now on; the calling
  // thread is the hub's own. They pass the signal on, so the process dies of it as it would have.
  static void install(std::uint64_t& word);

  CulpritMark(std::uint64_t& word, std::size_t handler);
  ~CulpritMark();
  CulpritMark(const CulpritMark&) = delete;
  CulpritMark& operator=(const CulpritMark&) = delete;

 private:
  std::uint64_t before_;
};

// How the worker before this one ended.
class Death {
 public:
  static constexpr std::uint64_t kNobody = 0, kHub = 1, kFirstHandler = 2;

  // Of nobody's doing: killed from outside, or there was none.
  Death() = default;
  // `status` as from waitpid, `culprit` as marked, `calls` of handle that were in progress.
  static Death of(int status, std::uint64_t culprit, std::size_t calls);
  // The keeper killed it because this handler did not come back.
  static Death by_hang(std::size_t handler, std::string timeout);

  // Whether a call of this handler may be what killed it.
  bool blames(std::size_t handler) const { return culprit_ == kFirstHandler + handler || (culprit_ == kNobody && unknown_); }
  // Whether it is certain: nobody else was in a call, or the culprit was named.
  bool is_sure() const { return is_named() || calls_ == 1; }
  bool is_named() const { return culprit_ >= kFirstHandler; }
  Reason reason() const { return hung_ ? Reason::timeout : Reason::crashed; }
  const std::string& text() const { return text_; }  // "crashed (SIGSEGV)"

 private:
  std::uint64_t culprit_ = kNobody;
  bool unknown_ = false;  // somebody's doing, and nobody was named
  bool hung_ = false;
  std::size_t calls_ = 0;
  std::string text_;
};

}  // namespace standpipe::deliver
