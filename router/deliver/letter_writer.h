// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/failure.h"
#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"
#include "deliver/letter_rewrite.h"

namespace standpipe::deliver {

// The letters of one batch, on their way to the file. What they view stays as it is until then: the
// batch's messages are open, and the details are here.
struct LetterJob {
  std::vector<std::string> details;
  std::vector<DeadLetter> letters;
  std::function<void()> told = [] {};   // when they are written; any thread
  std::optional<Failure> failure;       // valid then
  std::atomic<bool> is_written{false};  // before that is told
  std::atomic<bool> is_done{false};     // and nobody will touch the job any more

  void finish(std::optional<Failure> with);
  void wait() const { is_done.wait(false); }
};

// Writes dead letters in a thread of its own, a batch at a time, because a disk may make whoever
// writes wait, and a handler that rejects everything must not stop the loop. Its queue is bounded
// by the handlers, each of which has one batch there at most and makes no other call until that is
// written. Until then the messages are in its call record, which claims them for the next worker.
//
// Where files are written anew (a purge, the end of a replay), that is one file after the other,
// and what else is to be done comes in between: a handler waits with what it rejects until one file
// is written, of 64 MiB at most, and nobody else does.
//
// Letters of messages that fail while a worker begins, or that a person passes over, are written by
// who asks: write() waits for the batch that is being written.
//
// The loop's thread calls it; what it does in its own is in each function's words.
class LetterWriter {
 public:
  // `removed`: a word in the memory that outlives the worker; letters that were removed to stay
  // within the limits are added to it.
  LetterWriter(DeadLetters letters, std::uint64_t& removed);
  // Waits until what was posted is written. (Where the disk stands still the hub ends without.)
  ~LetterWriter();
  LetterWriter(const LetterWriter&) = delete;
  LetterWriter& operator=(const LetterWriter&) = delete;

  void post(std::shared_ptr<LetterJob> job);
  [[nodiscard]] std::optional<Failure> write(std::span<const DeadLetter> letters);
  // The folder is another one by now: what is put next goes there.
  void reopen();
  // Looks whether any letters are too old by now, in the thread.
  void clean();
  std::uint64_t removed() const;

  // ---- letters that a person does not want any more, in the thread
  struct Purge {
    std::uint64_t number = 0;  // from 1
    bool is_done = false;
    std::uint64_t letters = 0;
    std::optional<Failure> failure = {};
  };
  // Returns its number. Throws Failure: another one, or a replay, is in progress.
  std::uint64_t begin_purge(const LetterFilter& filter);
  Purge last_purge() const;

  // ---- letters that are replayed (worker/replays.h)
  // Until the end of that nothing is purged. Throws Failure: something is being purged.
  void begin_replay();
  void end_replay();
  // In the thread: files are written anew without what was left out; `done` is called there.
  void compact(std::function<void(std::optional<Failure>)> done);
  // In the thread: a piece of work on the letters, which should be short, for handlers wait with
  // what they reject meanwhile.
  void post(std::function<void(DeadLetters&)> work);
  // The same at once.
  [[nodiscard]] std::optional<Failure> leave_out(std::span<const std::uint64_t> identities);

 private:
  std::optional<Failure> put(std::span<const DeadLetter> letters);
  void remove_old();
  bool is_replaying() const;
  // Of a purge or a compaction.
  using Done = std::function<void(std::uint64_t, std::optional<Failure>)>;
  void begin_rewrite(const std::optional<LetterFilter>& filter, const Done& done);
  void rewrite_next(const std::shared_ptr<LetterRewrite>& rewrite, const Done& done);
  void end_purge(std::uint64_t letters, std::optional<Failure> failure);
  void count_removed();

  mutable std::mutex mutex_;  // of the next
  DeadLetters letters_;
  mutable std::mutex purge_mutex_;  // of the next
  Purge purge_;
  bool is_replaying_ = false;
  std::uint64_t& removed_;
  struct Queue;
  std::unique_ptr<Queue> queue_;
};

}  // namespace standpipe::deliver
