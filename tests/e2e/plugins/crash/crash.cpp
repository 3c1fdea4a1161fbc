// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <standpipe/plugin.hpp>

namespace {

class Crash {
 public:
  static void describe(standpipe::Description& d) {
    d.name("crash").version("1.0").summary("aborts the process it runs in");
    d.option("at")
        .integer()
        .fallback("1")
        .minimum("1")
        .unit("messages")
        .summary("at which message, counted from 1");
  }
  explicit Crash(const standpipe::Options& options) : left_(options.integer("at")) {}
  void handle(const standpipe::Message&) {
    if (--left_ == 0) std::abort();
  }

 private:
  std::int64_t left_;
};

}  // namespace

STANDPIPE_PLUGIN(Crash)
