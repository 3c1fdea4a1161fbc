// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deliver/account.h"
#include "deliver/crash_note.h"

namespace standpipe::deliver {

// Marks which handler's call this thread is in, as long as the mark lives. A thread that crashes,
// or ends the process, writes that into `word`, which the next worker reads, so that no innocent
// call in progress beside it is suspected. It also writes where it was (crash_note.h).
class CulpritMark {
 public:
  // The process's crash handlers (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, and
  // exit) write to these from now on; the calling thread is the hub's own. They pass the signal on,
  // so the process dies of it as it would have. In children that a plugin forks they do nothing
  // else.
  static void install(std::uint64_t& word, CrashNote& note);

  explicit CulpritMark(std::size_t handler);
  ~CulpritMark();
  CulpritMark(const CulpritMark&) = delete;
  CulpritMark& operator=(const CulpritMark&) = delete;

 private:
  std::uint64_t before_;
};

// How the previous worker ended, or a handler's child.
class Death {
 public:
  static constexpr std::uint64_t kNobody = 0, kHub = 1, kFirstHandler = 2;

  // Nobody is to blame: there was no death, or it no longer matters.
  Death() = default;
  // `status` as from waitpid, `culprit` as marked, `calls` of plugins that were in progress, `note`
  // as the culprit left it.
  static Death of(int status, std::uint64_t culprit, std::size_t calls, const CrashNote& note = {});
  // A child died that has this handler alone: that is certainly its plugin's doing, but for a
  // signal that says nothing. `status` as from waitpid; none: nobody knows it any more.
  static Death of_child(std::size_t handler, std::optional<int> status, const CrashNote& note = {});
  // The same, killed because it answered what no child of ours answers.
  static Death by_nonsense(std::size_t handler);
  // It was killed because this handler did not come back.
  static Death by_hang(std::size_t handler, std::string timeout, bool is_childs = false);

  bool is_named() const { return culprit_ >= kFirstHandler; }
  bool names(std::size_t handler) const { return culprit_ == kFirstHandler + handler; }
  bool is_hubs_own() const { return culprit_ == kHub; }
  // Some plugin certainly did it, but nobody was named: it ended the process, or crashed in a
  // thread that is not marked.
  bool is_unnamed() const { return kind_ == Kind::unnamed; }
  // By a signal that says nothing: from outside, the kernel short of memory, a plugin's own alarm.
  bool says_nothing() const { return kind_ == Kind::says_nothing; }
  std::size_t calls() const { return calls_; }
  bool is_childs() const { return is_childs_; }

  Reason reason() const { return hung_ ? Reason::timeout : Reason::crashed; }
  const std::string& text() const { return text_; }  // "crashed (SIGSEGV)"
  const std::vector<std::string>& backtrace() const {
    return backtrace_;
  }  // of whoever was named, as far as it is known

 private:
  enum class Kind { none, marked, unnamed, says_nothing };
  Kind kind_ = Kind::none;
  std::uint64_t culprit_ = kNobody;
  bool hung_ = false, is_childs_ = false;
  std::size_t calls_ = 0;
  std::string text_;
  std::vector<std::string> backtrace_;
};

}  // namespace standpipe::deliver
