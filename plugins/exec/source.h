// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "program.h"
#include "records.h"
#include "settings.h"

// Which of its messages a program may forget. The hub counts by sequences, which grow, but not
// always by one; the program counts the messages of its run. Runs of sequences that follow one
// another are one entry.
class CommitCounts {
 public:
  void add(std::uint64_t sequence);  // of the next message
  // How many messages of this run are safe, now that all up to this sequence are.
  std::uint64_t safe(std::uint64_t sequence);
  void add_none();  // the next message is not in the hub: it is as safe as what is before it

 private:
  struct Run {
    std::uint64_t first, count;
    std::uint64_t more;  // messages after them that are not in the hub
  };
  std::deque<Run> open_;
  std::uint64_t safe_ = 0;
};

// The source: messages out of a program. It prints frames alone, or greets and prints records; no
// frame begins as a greeting does.
//
// What the host has no credit for stays in the inbox, and then in the pipe, so a program that is
// too fast waits. What is written to the program waits, too, if it does not read: commits replace
// each other.
class ExecSource {
 public:
  explicit ExecSource(const standpipe::Options& options);

  void open(std::string_view resume);
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close();

 private:
  enum class Speaks { unknown, frames, records };
  enum class Next { put, nothing, no_room };

  void put_all(standpipe::Poll& poll);
  Next put_next(standpipe::Poll& poll);
  Next put_frame(standpipe::Poll& poll);
  Next follow_record(standpipe::Poll& poll);
  Next put(standpipe::Poll& poll, std::string_view payload, std::string_view meta);
  void learn_language();
  void answer_greeting(const Record& record);
  void send();
  bool read();
  void program_left();
  void wait(const standpipe::Poll& poll);

  standpipe::Host host_;
  Settings settings_;
  RecordReader reader_;
  Inbox inbox_;
  std::unique_ptr<Program> program_;
  Speaks speaks_ = Speaks::unknown;
  bool greeted_ = false;
  bool has_ended_ = false;  // the program; what it wrote may still be there
  bool woken_ = false;      // the poll is to return
  bool is_done_ = false;    // it has ended well, and is not started again
  bool wants_commits_ = false;
  std::string resume_;
  std::string to_program_;  // not written yet
  CommitCounts counts_;
  std::uint64_t safe_ = 0, told_ = 0;  // messages of this run
  std::vector<standpipe_pair> pairs_;
};
