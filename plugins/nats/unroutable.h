// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace nats {

// Messages that no stream took, by number, with their subjects: no stream has the subject, or the
// one that has it is away for now. Only a question to JetStream tells, which a callback must not
// wait for. Bounded by the handler's window.
class Unroutable {
 public:
  using Letter = std::pair<std::uint64_t, std::string>;

  void add(std::uint64_t number, std::string subject) {
    const std::lock_guard lock(mutex_);
    letters_.emplace_back(number, std::move(subject));
  }
  std::vector<Letter> take_all() {
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Letter> letters_;
};

}  // namespace nats
