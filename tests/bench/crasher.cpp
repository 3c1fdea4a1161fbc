// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <standpipe/plugin.hpp>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLife = std::chrono::milliseconds(100);

// A handler whose process takes messages for a tenth of a second, and then aborts.
class Crasher {
 public:
  static void describe(standpipe::Description& d) {
    d.name("crasher").version("1.0").summary("aborts each tenth of a second");
  }
  explicit Crasher(const standpipe::Options&) {}

  void handle(standpipe::Batch&) {
    if (Clock::now() > made_ + kLife) std::abort();
  }

 private:
  Clock::time_point made_ = Clock::now();
};

}  // namespace

STANDPIPE_PLUGIN(Crasher)
