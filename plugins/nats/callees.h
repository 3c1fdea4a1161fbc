// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace nats {

// Objects that threads of the client library call. The library does not wait for its threads when a
// connection is destroyed, so a callback may begin after its object has gone. What the library is
// given is therefore a number: `call` finds nobody under it once `remove` has returned, and
// `remove` waits for the calls that run. One instance for the life of the process.
template <class T>
class Callees {
 public:
  void* add(T& callee) {
    const std::lock_guard lock(mutex_);
    callees_.emplace(++last_, &callee);
    return reinterpret_cast<void*>(last_);
  }
  void remove(void* closure) {
    const std::lock_guard lock(mutex_);
    callees_.erase(reinterpret_cast<std::uintptr_t>(closure));
  }
  // false: it has gone.
  template <class Call>
  bool call(void* closure, Call&& call) {
    const std::shared_lock lock(mutex_);
    const auto found = callees_.find(reinterpret_cast<std::uintptr_t>(closure));
    if (found == callees_.end()) return false;
    call(*found->second);
    return true;
  }

  static Callees& all() {
    static auto* const them = new Callees;  // never destroyed: the library's threads end last
    return *them;
  }

 private:
  std::shared_mutex mutex_;
  std::unordered_map<std::uintptr_t, T*> callees_;
  std::uintptr_t last_ = 0;
};

}  // namespace nats
