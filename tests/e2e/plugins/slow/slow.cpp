// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>
#include <thread>

namespace {

class Slow {
 public:
  static void describe(standpipe::Description& d) {
    d.name("slow").version("1.0").summary("takes its time over each message");
    d.option("delay").duration().fallback("10ms").summary("how long, for each message");
  }
  explicit Slow(const standpipe::Options& options) : delay_(options.duration("delay")) {}
  void handle(const standpipe::Message&) { std::this_thread::sleep_for(delay_); }

 private:
  std::chrono::nanoseconds delay_;
};

}  // namespace

STANDPIPE_PLUGIN(Slow)
