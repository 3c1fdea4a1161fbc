// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <future>
#include <mutex>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>

#include "common/fd.h"
#include "launch.h"
#include "line_log.h"
#include "settings.h"

// A program that runs, from its start to its end. A thread belongs to it: it starts the program,
// because what is started dies with the thread that did it and calls of a plugin come from any;
// it logs what the program prints, also while no message comes; and it learns how the program
// ended.
//
// All other functions are for one thread at a time.
class Program {
 public:
  enum class Output { answers, log };  // what its standard output is

  // Throws fatal when it cannot be executed, and disconnected when it cannot be now.
  Program(standpipe::Host host, const Settings& settings, const char* kind, Output output);
  ~Program();  // kills it, if it was not ended
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int in() const { return in_.get(); }           // its standard input, to write; does not block
  int out() const { return out_.get(); }         // its standard output, to read; -1: it is logged
  int ended_fd() const { return ended_.get(); }  // readable once it has ended
  bool has_ended() const;
  bool crashed();    // once it has ended: by a signal that nobody sends to end a program
  bool succeeded();  // once it has ended: with status 0
  // "the program ended (exit status 1); it last said: ..."; waits a moment for the end.
  std::string how_it_ended();

  void close_input() { in_ = common::Fd(); }
  // Closes its standard input, waits, asks it to end (SIGTERM), waits, kills it. Reads its output
  // meanwhile, so that it can end.
  void end(std::chrono::nanoseconds before_term, std::chrono::nanoseconds before_kill);
  static constexpr std::chrono::seconds kTermPatience{1};
  void kill();  // returns when it has ended

 private:
  void run(const Settings& settings, const char* kind, std::promise<Launched>& started);
  void watch();
  void reap();
  bool read_log();
  bool wait_for_end(std::chrono::nanoseconds most);
  void signal_group(int number);
  std::string last_said();
  std::string end_text();

  standpipe::Host host_;
  common::Fd in_, out_, log_out_, ended_;
  common::Fd child_in_, child_out_, child_err_;  // its ends, until it has them
  std::mutex mutex_;                             // of what follows
  LineLog log_;
  pid_t pid_ = -1;
  bool is_reaped_ = false;
  int status_ = 0, signal_ = 0;
  std::thread thread_;
};
