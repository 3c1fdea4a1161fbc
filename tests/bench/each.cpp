// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

namespace {

// What counter is, called for each message.
class Each {
 public:
  static void describe(standpipe::Description& d) {
    d.name("each").version("1.0").summary("counts messages one by one").never_blocks();
    bench::Tally::describe(d);
  }
  explicit Each(const standpipe::Options& options) : tally_(options) {}
  void open() { tally_.open(); }
  void close() { tally_.close(); }

  void handle(const standpipe::Message& message) { tally_.add(1, message.size()); }

 private:
  bench::Tally tally_;
};

}  // namespace

STANDPIPE_PLUGIN(Each)
