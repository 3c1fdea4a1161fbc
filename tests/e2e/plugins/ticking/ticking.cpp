// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>

namespace {

// Counts messages, and writes down how many came since the last time whenever the clock says so.
class Ticking {
 public:
  static void describe(standpipe::Description& d) {
    d.name("ticking").version("1.0").summary("writes down now and then how many messages came");
    d.never_blocks();  // but for a moment, so that it can be tried on the loop
    d.option("path").path().required().summary("the file to append to").example("/tmp/ticking");
    d.option("every").duration().fallback("10ms").summary("how often");
    d.option("by")
        .one_of({"none", "crash", "hang", "fatal", "disconnected"})
        .fallback("none")
        .summary("what the third call does while the file `until` does not exist");
    d.option("until").path().fallback("cured").summary("the file whose existence cures it");
  }
  explicit Ticking(const standpipe::Options& options)
      : path_(options.text("path")),
        every_(options.duration("every")),
        by_(options.text("by")),
        until_(options.text("until")) {}

  void handle(const standpipe::Message&) { ++count_; }
  std::optional<std::chrono::nanoseconds> tick() {
    if (++ticks_ == 3 && !std::filesystem::exists(until_)) misbehave();
    std::ofstream(path_, std::ios::app) << count_ << '\n';
    count_ = 0;
    return every_;
  }

 private:
  void misbehave() {
    ticks_ = 0;
    if (by_ == "crash") (void)std::raise(SIGSEGV);
    if (by_ == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
    if (by_ == "fatal") throw standpipe::fatal("the clock is wrong");
    if (by_ == "disconnected") throw standpipe::disconnected("its peer is away");
  }

  std::string path_;
  std::chrono::nanoseconds every_;
  std::string by_, until_;
  std::uint64_t count_ = 0;
  int ticks_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Ticking)
