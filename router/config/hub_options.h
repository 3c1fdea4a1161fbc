// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "config/test_options.h"
#include "deliver/dead_letters.h"
#include "deliver/options.h"
#include "match/rule.h"
#include "source/options.h"

namespace standpipe::config {

// A whole configuration, checked and resolved: plain data, nothing of YAML. Indexes point into the
// lists here.
struct HubOptions {
  std::string file;      // as the user named it
  std::string place;     // where that was when the hub started
  std::string data_dir;  // absolute
  bool data_dir_by_default = false;
  std::uint64_t memory_max = kMemoryMaxDefault;
  std::uint64_t overflow_max =
      kOverflowMaxDefault;  // bytes on disk for handlers that are away; 0: none
  Nanoseconds drain_timeout = std::chrono::seconds(10);
  deliver::DeadLetterLimits dead_letters = deliver::DeadLetterLimits::of(
      deliver::kDeadLettersMaxDefault, deliver::kDeadLettersAgeDefault);
  std::vector<source::SourceOptions> sources;
  std::vector<deliver::HandlerOptions> handlers;
  // Instances of source plugins: each has its place in a loop as a handler's has (placement,
  // timeout, back-off), and is given no messages.
  std::vector<deliver::HandlerOptions> source_plugins = {};
  std::vector<match::RouteOptions> routes;
  std::optional<std::size_t> unmatched = {};  // a handler; empty: dropped and counted
  std::vector<TestOptions> tests = {};        // for `standpipe test`
  bool keeps_unmatched = false;               // dead_letter: the handler is the hub's own
  bool unmatched_by_default = false;          // nobody said `drop`: warn when it happens
};

}  // namespace standpipe::config
