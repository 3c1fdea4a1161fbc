// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>
#include <thread>

namespace {

class Slow {
 public:
  static void describe(standpipe::Description& d) {
    d.name("slow").version("1.0").summary("takes its time over each message, and to open");
    d.option("delay").duration().fallback("10ms").summary("how long, for each message");
    d.option("open").duration().fallback("0s").summary("how long it takes to open");
  }
  explicit Slow(const standpipe::Options& options)
      : delay_(options.duration("delay")), open_(options.duration("open")) {}
  void open() { std::this_thread::sleep_for(open_); }
  void handle(const standpipe::Message&) { std::this_thread::sleep_for(delay_); }

 private:
  std::chrono::nanoseconds delay_, open_;
};

}  // namespace

STANDPIPE_PLUGIN(Slow)
