// SPDX-License-Identifier: Apache-2.0
#include "failure.h"

#include <standpipe/plugin.hpp>
#include <utility>

namespace kafka {

void Failure::set(Kind kind, std::string text) {
  const std::lock_guard lock(mutex_);
  if (kind_ != Kind::none) return;
  kind_ = kind;
  text_ = std::move(text);
  is_set_.store(true, std::memory_order_release);
}

void Failure::throw_it() const {
  if (!is_set()) return;
  const std::lock_guard lock(mutex_);
  if (kind_ == Kind::fatal) throw standpipe::fatal(text_);
  throw standpipe::disconnected(text_);
}

void Failure::remember(std::string text) {
  const std::lock_guard lock(mutex_);
  remembered_ = std::move(text);
}

std::string Failure::remembered() const {
  const std::lock_guard lock(mutex_);
  return remembered_;
}

}  // namespace kafka
