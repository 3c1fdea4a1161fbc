// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

namespace {

// The trivial plugin of the benchmarks: counts batch by batch.
class Counter {
 public:
  static void describe(standpipe::Description& d) {
    d.name("counter")
        .version("1.0")
        .summary("counts messages, and says when it has them all")
        .never_blocks();
    bench::Tally::describe(d);
  }
  explicit Counter(const standpipe::Options& options) : tally_(options) {}
  void open() { tally_.open(); }
  void close() { tally_.close(); }

  void handle(standpipe::Batch& batch) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) bytes += batch[i].size();
    tally_.add(batch.size(), bytes);
  }

 private:
  bench::Tally tally_;
};

}  // namespace

STANDPIPE_PLUGIN(Counter)
