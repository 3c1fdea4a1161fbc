// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_bits.h"

#include <algorithm>

namespace standpipe::worker {

std::span<const std::uint64_t> HandlerBits::set_of(std::span<const std::string> handlers,
                                                   std::size_t words) {
  set_.assign(words, 0);
  for (const auto& name : handlers)
    if (const auto bit = bit_of(name)) set_[*bit / 64] |= std::uint64_t{1} << *bit % 64;
  return set_;
}

std::optional<std::size_t> HandlerBits::bit_of(const std::string& handler) {
  const auto at = std::find(names_.begin(), names_.end(), handler);
  if (at != names_.end()) return static_cast<std::size_t>(at - names_.begin());
  if (unknown_.contains(handler)) return std::nullopt;
  const auto bit = add_(handler);
  if (!bit) {
    unknown_.insert(handler);
    reporter_.error("no_route",
                    source_ + ": an earlier run left messages for " + handler +
                        ", to which no route leads any more, and the hub has no room for one "
                        "handler more: they are dropped");
    return std::nullopt;
  }
  names_.resize(std::max(names_.size(), *bit + 1));
  names_[*bit] = handler;
  return bit;
}

}  // namespace standpipe::worker
