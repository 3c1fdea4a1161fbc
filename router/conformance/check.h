// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/subject.h"

namespace standpipe::conformance {

// One thing that a plugin must do, or must not. A row of the suite.
struct Check {
  std::string_view id;       // for --only
  std::string_view summary;  // what holds, as a sentence without a subject: "exports one function"
  std::string_view needs;    // the check without which this one says nothing; empty: none
  std::string_view help;     // what to do about a failure
  void (*run)(Subject&);     // in a child; throws Problem, NotJudged, NotMeant
};

// In the order in which they run: a check comes after the one that it needs.
std::span<const Check> checks();

// A file each.
std::vector<Check> file_checks();
std::vector<Check> description_checks();
std::vector<Check> lifecycle_checks();
std::vector<Check> message_checks();
std::vector<Check> lending_checks();
std::vector<Check> process_checks();
std::vector<Check> time_checks();
std::vector<Check> host_checks();
std::vector<Check> source_checks();

}  // namespace standpipe::conformance
