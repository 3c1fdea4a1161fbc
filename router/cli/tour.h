// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/child.h"
#include "cli/interruption.h"
#include "cli/status.h"
#include "cli/streams.h"

namespace standpipe::cli {

// The demo, step by step: nothing in it is staged. The hub is this program, run as anybody would
// run it, and what is shown is read from where it arrived. Each step waits for what it shows, with
// a time limit, so the whole ends within seconds.
class Tour {
 public:
  explicit Tour(Streams& streams);
  // Throws Failure, with the hub's own words before it.
  Status run();

 private:
  void make_folder();
  void write_configuration();
  void start_hub();
  void send();
  void show_screen();
  void show_file();
  void receive();
  void stop_hub();
  void print_next_steps();

  void say(std::string_view text);
  void step(std::string_view heading);
  void wait_for_hub(const std::function<bool()>& done, const std::string& what);
  std::string in_folder(std::string_view name) const { return folder_ + '/' + std::string(name); }

  Streams& streams_;
  Interruption interruption_;
  std::string program_;
  std::string folder_;
  int steps_ = 0;
  std::optional<Child> hub_;
};

}  // namespace standpipe::cli
