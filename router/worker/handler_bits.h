// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/reporter.h"

namespace standpipe::worker {

// Which deliveries of a source the handlers' names in a file mean: bits, as in the log's index. One
// for a handler that has none of this source any more is made when it is met.
class HandlerBits {
 public:
  // Makes a delivery to that handler, and commits: its bit. nullopt: there is no room for it.
  using Add = std::function<std::optional<std::size_t>(const std::string& handler)>;
  // `handlers`: names, by the bits of the source's deliveries.
  HandlerBits(std::string source, std::vector<std::string> handlers, Add add, Reporter& reporter)
      : source_(std::move(source)),
        names_(std::move(handlers)),
        add_(std::move(add)),
        reporter_(reporter) {}

  // In so many words of 64 bits; valid until the next call. No change of the memory is half done.
  // A handler that there is no room for is left out, and reported once.
  std::span<const std::uint64_t> set_of(std::span<const std::string> handlers, std::size_t words);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::optional<std::size_t> bit_of(const std::string& handler);

  std::string source_;
  std::vector<std::string> names_;
  Add add_;
  Reporter& reporter_;
  std::set<std::string> unknown_;
  std::vector<std::uint64_t> set_;
};

}  // namespace standpipe::worker
