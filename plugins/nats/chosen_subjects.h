// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "refusal.h"

namespace nats {

// Subjects of messages that are published and not acknowledged, where each message chooses its own.
// A server that does not permit one says the subject, and not which messages it meant. Bounded by
// the handler's window. Any thread may call any of it.
class ChosenSubjects {
 public:
  // Numbers grow. Those that are less than `first_open` are forgotten.
  void add(std::uint64_t number, std::string_view subject, std::uint64_t first_open) {
    const std::lock_guard lock(mutex_);
    while (!subjects_.empty() && subjects_.front().number < first_open) subjects_.pop_front();
    subjects_.push_back({number, std::string(subject)});
  }
  // The numbers that have this subject, which are then forgotten.
  std::vector<std::uint64_t> take(const RefusedSubject& refused) {
    std::vector<std::uint64_t> numbers;
    const std::lock_guard lock(mutex_);
    for (auto& it : subjects_)
      if (!it.is_taken && refused.is(it.subject)) {
        it.is_taken = true;
        numbers.push_back(it.number);
      }
    return numbers;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    subjects_.clear();
  }

 private:
  struct Chosen {
    std::uint64_t number;
    std::string subject;
    bool is_taken = false;
  };
  std::mutex mutex_;
  std::deque<Chosen> subjects_;
};

}  // namespace nats
