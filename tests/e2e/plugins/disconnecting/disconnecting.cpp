// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

class Disconnecting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("disconnecting").version("1.0").summary("loses its connection again and again");
    d.option("every")
        .integer()
        .fallback("100")
        .minimum("1")
        .unit("messages")
        .summary("after how many messages");
    d.option("failures")
        .integer()
        .fallback("1")
        .minimum("0")
        .unit("attempts")
        .summary("how many times the first open fails");
  }
  explicit Disconnecting(const standpipe::Options& options)
      : every_(options.integer("every")), failures_(options.integer("failures")) {}

  void open() {
    if (failures_ > 0)
      throw standpipe::disconnected("open fails " + std::to_string(failures_--) + " more times");
    taken_ = 0;
  }
  void handle(const standpipe::Message&) {
    if (taken_ == every_)
      throw standpipe::disconnected("disconnected after " + std::to_string(every_) + " messages");
    ++taken_;
  }

 private:
  std::int64_t every_;
  std::int64_t failures_;
  std::int64_t taken_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Disconnecting)
