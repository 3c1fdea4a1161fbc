// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <standpipe/plugin.hpp>
#include <utility>

namespace {

// Counts messages by itself, not by sequence (which may have gaps), and remembers those that failed
// by source and sequence, so that a retry is not taken for another message.
class Retrying {
 public:
  static void describe(standpipe::Description& d) {
    d.name("retrying").version("1.0").summary("fails at each n-th message before it takes it");
    d.option("every")
        .integer()
        .fallback("2")
        .minimum("1")
        .unit("messages")
        .summary("1: every message");
    d.option("attempts")
        .integer()
        .fallback("1")
        .minimum("1")
        .unit("attempts")
        .summary("how many fail before one succeeds");
  }
  explicit Retrying(const standpipe::Options& options)
      : every_(options.integer("every")), attempts_(options.integer("attempts")) {}

  void handle(const standpipe::Message& m) {
    const std::pair key(std::string(m.source()), m.sequence());
    const auto failing = failing_.find(key);
    if (failing == failing_.end()) {
      if (++seen_ % every_ != 0) return;
      failing_[key] = 1;
      throw standpipe::retry("attempt 1 fails");
    }
    if (failing->second < attempts_)
      throw standpipe::retry("attempt " + std::to_string(++failing->second) + " fails");
    failing_.erase(failing);
  }

 private:
  std::int64_t every_;
  std::int64_t attempts_;
  std::int64_t seen_ = 0;
  std::map<std::pair<std::string, std::uint64_t>, std::int64_t> failing_;
};

}  // namespace

STANDPIPE_PLUGIN(Retrying)
