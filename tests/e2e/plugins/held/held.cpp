// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

class Held {
 public:
  static void describe(standpipe::Description& d) {
    d.name("held").version("1.0").summary("asks to be held at a message");
    d.option("at")
        .integer()
        .fallback("1")
        .minimum("1")
        .unit("messages")
        .summary("at which message, counted from 1");
  }
  explicit Held(const standpipe::Options& options) : at_(options.integer("at")) {}
  void handle(const standpipe::Message&) {
    if (taken_ + 1 >= at_) throw standpipe::fatal("held at message " + std::to_string(at_));
    ++taken_;
  }

 private:
  std::int64_t at_;
  std::int64_t taken_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Held)
