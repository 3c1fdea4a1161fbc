// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Takes all messages, and settles them from a thread of its own, as a broker's acknowledgements
// would come: a while later, and in whatever order. A line of the file says what it delivered.
class Taking {
 public:
  static void describe(standpipe::Description& d) {
    d.name("taking").version("1.0").summary("settles its messages later, from another thread");
    d.documentation(
        "A line a delivered message, before it is settled: SOURCE SEQUENCE ATTEMPT. A payload that "
        "begins "
        "with reject is rejected, with retry is retried twice, and with forget is never settled.");
    d.settles_later();
    d.never_blocks();  // but for a moment, so that it can be tried on the loop
    d.option("path").path().required().summary("the file to append to").example("/tmp/taking");
    d.option("delay").duration().fallback("1ms").summary("until messages are settled");
    d.option("backwards").boolean().fallback("false").summary("the last ones first");
    d.option("most")
        .integer()
        .fallback("1000000")
        .minimum("1")
        .unit("messages")
        .summary("of a batch; the rest goes back");
    d.option("until_flush").boolean().fallback("false").summary("settle nothing before that");
  }
  explicit Taking(const standpipe::Options& options)
      : host_(options.host()),
        path_(options.text("path")),
        delay_(options.duration("delay")),
        most_(static_cast<std::size_t>(options.integer("most"))),
        backwards_(options.boolean("backwards")),
        until_flush_(options.boolean("until_flush")) {}
  ~Taking() { stop(); }

  void open() {
    file_.reset(std::fopen(path_.c_str(), "ae"));
    if (!file_) throw standpipe::disconnected("cannot open " + path_);
    stops_ = is_flushed_ = false;
    thread_ = std::thread([this] { settle_all(); });
  }
  void handle(standpipe::Batch& batch) {
    const auto end = std::min(batch.size(), most_);
    for (std::size_t i = 0; i < end; ++i) {
      batch.stop_at(i);
      const bool is_direct = batch[i].text().starts_with("direct");
      if (!is_direct) take(batch[i], batch.taken(i, 1));
      batch.settle(i, is_direct ? standpipe::Outcome::delivered : standpipe::Outcome::taken);
    }
    batch.stop_at(end);
  }
  void flush(std::chrono::nanoseconds) {
    const std::lock_guard lock(mutex_);
    is_flushed_ = true;
    changed_.notify_one();
  }
  void close() {
    stop();
    taken_.clear();
    file_.reset();
  }

 private:
  void take(const standpipe::Message& m, standpipe::Taken taken) {
    const std::lock_guard lock(mutex_);
    taken_.push_back({taken, std::string(m.text().substr(0, 6)), std::string(m.source()),
                      m.sequence(), m.attempt()});
    changed_.notify_one();
  }

  struct Message {
    standpipe::Taken taken;
    std::string kind, source;
    std::uint64_t sequence;
    unsigned attempt;
  };

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }
  void settle_all() {
    std::unique_lock lock(mutex_);
    while (!stops_) {
      changed_.wait(
          lock, [this] { return stops_ || (!taken_.empty() && (!until_flush_ || is_flushed_)); });
      if (stops_) return;
      changed_.wait_for(lock, delay_, [this] { return stops_; });
      std::vector<Message> now;
      now.swap(taken_);
      lock.unlock();
      if (backwards_) std::reverse(now.begin(), now.end());
      for (const auto& m : now) settle(m);
      lock.lock();
    }
  }
  void settle(const Message& m) {
    if (m.kind == "forget") return;
    if (m.kind == "reject")
      return host_.settle(m.taken, standpipe::Outcome::reject,
                          "nobody wants message " + std::to_string(m.sequence));
    if (m.kind.starts_with("retry") && m.attempt < 3)
      return host_.settle(m.taken, standpipe::Outcome::retry, "not yet");
    std::fprintf(file_.get(), "%s %llu %u\n", m.source.c_str(),
                 static_cast<unsigned long long>(m.sequence), m.attempt);
    std::fflush(file_.get());
    host_.settle(m.taken, standpipe::Outcome::delivered);
  }

  standpipe::Host host_;
  std::string path_;
  std::chrono::nanoseconds delay_;
  std::size_t most_;
  bool backwards_, until_flush_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::mutex mutex_;  // of the next
  std::condition_variable changed_;
  std::vector<Message> taken_;
  bool stops_ = false, is_flushed_ = false;
  std::thread thread_;
};

}  // namespace

STANDPIPE_PLUGIN(Taking)
