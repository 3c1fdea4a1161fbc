// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tally.h"

namespace {

// Takes each message, and settles it alone, from a thread of its own: as a handler does that waits
// for acknowledgements.
class Taker {
 public:
  static void describe(standpipe::Description& d) {
    d.name("taker")
        .version("1.0")
        .summary("takes messages and settles them from another thread")
        .never_blocks()
        .settles_later();
    bench::Tally::describe(d);
  }
  explicit Taker(const standpipe::Options& options) : host_(options.host()), tally_(options) {}
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

  void open() {
    tally_.open();
    is_over_ = false;
    settler_ = std::thread([this] { settle_all(); });
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
      waiting_.clear();
    }
    woken_.notify_one();
    settler_.join();
    tally_.close();
  }

  void handle(standpipe::Batch& batch) {
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        waiting_.push_back({batch.taken(i, 1), batch[i].size()});
        batch.settle(i, standpipe::Outcome::taken);
      }
    }
    woken_.notify_one();
  }

 private:
  struct Waiting {
    standpipe::Taken taken;
    std::uint64_t bytes;
  };

  void settle_all() {
    std::vector<Waiting> now;
    while (wait_for_some(now)) {
      for (const auto& one : now) {
        host_.settle(one.taken, standpipe::Outcome::delivered);
        tally_.add(1, one.bytes);
      }
      now.clear();
    }
  }
  bool wait_for_some(std::vector<Waiting>& now) {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [this] { return is_over_ || !waiting_.empty(); });
    std::swap(now, waiting_);
    return !is_over_;
  }

  standpipe::Host host_;
  bench::Tally tally_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<Waiting> waiting_;
  bool is_over_ = false;
  std::thread settler_;
};

}  // namespace

STANDPIPE_PLUGIN(Taker)
