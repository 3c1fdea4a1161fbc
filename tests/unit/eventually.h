// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <thread>

namespace test {

// Whether that becomes true in the time that a loaded machine may need. Meanwhile `step` is done,
// again and again: a number of steps would be no bound, where another thread or process has to get
// its turn.
template <class Condition, class Step>
bool eventually(const Condition& condition, const Step& step) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return condition();
    step();
  }
  return true;
}
template <class Condition>
bool eventually(const Condition& condition) {
  return eventually(condition, [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
}

}  // namespace test
