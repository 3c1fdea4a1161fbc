// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

class Counting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("counting")
        .version("1.0")
        .summary("counts messages and bytes, and says them when it is closed")
        .never_blocks();
  }
  explicit Counting(const standpipe::Options& options) : host_(options.host()) {}

  void handle(standpipe::Batch& batch) {
    messages_ += batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) bytes_ += batch[i].size();
  }
  void close() {
    host_.info("counted " + std::to_string(messages_) + " messages, " + std::to_string(bytes_) +
               " bytes");
  }

 private:
  standpipe::Host host_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Counting)
