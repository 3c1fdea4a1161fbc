// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace unix_socket {

// Which messages of which client are in the hub and not acknowledged yet, as runs: up to 64
// messages of one client that came one after the other are acknowledged together, by the last one.
// The host bounds it: what is not safe lies in the source's log.
class Acknowledgements {
 public:
  using ClientId = std::uint64_t;

  // `sequence`: the hub's, of this message; `number`: the client's.
  void add(std::uint64_t sequence, ClientId client, std::uint64_t number);
  // A message that the hub does not take: it is safe as soon as all that came before it are.
  void add_none(ClientId client, std::uint64_t number) { add(last_, client, number); }
  // What is put from now on is committed later, so it begins a run.
  void end_run() { is_run_open_ = false; }
  // All up to this sequence is safe.
  void mark_safe(std::uint64_t sequence) {
    if (sequence > safe_) safe_ = sequence;
  }
  // Calls acknowledge(client, number) for each run that is safe.
  template <class Acknowledge>
  void release(Acknowledge&& acknowledge) {
    for (; !runs_.empty() && runs_.front().sequence <= safe_; runs_.pop_front())
      acknowledge(runs_.front().client, runs_.front().number);
    if (runs_.empty()) is_run_open_ = false;
  }
  void clear();

 private:
  struct Run {
    std::uint64_t sequence, number;
    ClientId client;
    std::size_t messages;
  };
  std::deque<Run> runs_;
  std::uint64_t last_ = 0, safe_ = 0;
  bool is_run_open_ = false;
};

}  // namespace unix_socket
