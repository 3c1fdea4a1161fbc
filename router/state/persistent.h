// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "state/memory.h"

namespace standpipe::state {

// One value in the memory that outlives the worker: read by `->`, changed by `edit`.
template <class T>
class Persistent {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Persistent(Memory& memory, T* at) : memory_(&memory), at_(at) {}
  // In a record of that name, with `after` bytes more after it.
  Persistent(Memory& memory, std::string_view name, std::size_t after = 0)
      : Persistent(memory, reinterpret_cast<T*>(memory.record(name, sizeof(T) + after).data())) {}

  const T& operator*() const { return *at_; }
  const T* operator->() const { return at_; }
  // For one statement; do not keep it over a commit.
  T& edit() {
    memory_->log_undo(at_, sizeof(T));
    return *at_;
  }
  // One member, which is changed by itself.
  template <class Member, class Whole = T>
  Persistent<Member> part(Member Whole::*member) const {
    return {*memory_, &(at_->*member)};
  }

 private:
  Memory* memory_;
  T* at_;
};

}  // namespace standpipe::state
