// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <standpipe/plugin.hpp>
#include <string>

namespace {

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// The trivial plugin of the benchmarks: counts messages and their bytes, and says when, in the
// lines of load.h.
class Counter {
 public:
  static void describe(standpipe::Description& d) {
    d.name("counter")
        .version("1.0")
        .summary("counts messages, and says when it has them all")
        .never_blocks();
    d.option("messages").integer().required().summary("how many will come");
    d.option("warm").integer().required().summary("how many are not measured");
    d.option("say").path().required().summary("the FIFO to say it in");
  }
  explicit Counter(const standpipe::Options& options)
      : all_(static_cast<std::uint64_t>(options.integer("messages"))),
        warm_(static_cast<std::uint64_t>(options.integer("warm"))),
        path_(options.text("say")) {}

  void open() { fd_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC); }
  void close() { ::close(fd_); }

  void handle(standpipe::Batch& batch) {
    const auto before = messages_;
    messages_ += batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) bytes_ += batch[i].size();
    if (before < warm_ && messages_ >= warm_) say("mark " + std::to_string(now()));
    if (before < all_ && messages_ >= all_)
      say("end " + std::to_string(now()) + "\ncounted " + std::to_string(messages_) + " " +
          std::to_string(bytes_));
  }

 private:
  void say(const std::string& text) { (void)!::write(fd_, (text + "\n").data(), text.size() + 1); }

  std::uint64_t all_, warm_;
  std::string path_;
  int fd_ = -1;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

STANDPIPE_PLUGIN(Counter)
