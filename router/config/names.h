// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/mistakes.h"

namespace standpipe::config {

// The names of a section (sources, handlers), their numbers and where they were given.
class Names {
 public:
  std::optional<std::size_t> find(const std::string& name) const;
  void add(const std::string& name, const Spot& spot);
  const Spot& spot(std::size_t number) const { return spots_[number]; }
  std::size_t size() const { return spots_.size(); }
  std::vector<std::string> sorted() const;

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<Spot> spots_;
};

// A text of the file for a message: on one line, cut when it is long.
std::string shown(std::string_view text);

// Letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`; at most 64. Else a
// mistake is added.
bool check_name(Mistakes& mistakes, const Spot& spot, const std::string& name);

// "did you mean 'billing'? (handlers: archive, billing, screen)", or the list alone.
std::string suggestion(const Mistakes& mistakes, std::string_view mistyped,
                       const std::vector<std::string>& known, std::string_view plural);

}  // namespace standpipe::config
