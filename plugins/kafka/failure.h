// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <string>

namespace kafka {

// The first thing that went wrong with a client, for whoever may throw it: the library speaks in
// threads where nobody catches. Any thread may call any of it.
class Failure {
 public:
  enum class Kind { none, disconnected, fatal };

  void set(Kind kind, std::string text);  // only the first one counts
  bool is_set() const { return is_set_.load(std::memory_order_acquire); }
  // Throws standpipe::disconnected or standpipe::fatal if something went wrong.
  void throw_it() const;
  // The end of a connection is no failure: the library connects again. Its text is the reason when
  // no broker is left, and is said once for each outage.
  void remember(std::string text);
  std::string remembered() const;

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> is_set_ = false;
  Kind kind_ = Kind::none;
  std::string text_, remembered_;
};

}  // namespace kafka
