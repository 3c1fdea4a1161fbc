// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

class Rejecting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("rejecting").version("1.0").summary("rejects each n-th message");
    d.option("every")
        .integer()
        .fallback("2")
        .minimum("1")
        .unit("messages")
        .summary("1: every message");
  }
  explicit Rejecting(const standpipe::Options& options) : every_(options.integer("every")) {}
  void handle(const standpipe::Message&) {
    if (++seen_ % every_ == 0)
      throw standpipe::reject("message " + std::to_string(seen_) + " is one of those to reject");
  }

 private:
  std::int64_t every_;
  std::int64_t seen_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Rejecting)
