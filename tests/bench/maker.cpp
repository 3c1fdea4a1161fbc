// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>

namespace {

// A source that puts the same message again and again, as fast as they are taken, once a file is
// there: until then the hub is not known to be ready, and its time is not measured.
class Maker {
 public:
  static void describe(standpipe::Description& d) {
    d.name("maker").version("1.0").summary("puts messages as fast as they are taken");
    d.option("messages").integer().required().summary("how many in all");
    d.option("size").integer().required().summary("bytes of each");
    d.option("begin").path().required().summary("the file that it waits for");
  }
  explicit Maker(const standpipe::Options& options)
      : left_(static_cast<std::uint64_t>(options.integer("messages"))),
        payload_(static_cast<std::size_t>(options.integer("size")), 'x'),
        begin_(options.text("begin")) {}

  void poll(standpipe::Poll& poll) {
    if (!has_begun_ && !begins(poll)) return;
    if (left_ == 0) (void)poll.wait(standpipe::Poll::Clock::time_point::max());
    while (left_ > 0 && poll.has_credit() && poll.put(payload_) == standpipe::Put::ok) --left_;
  }

 private:
  bool begins(const standpipe::Poll& poll) {
    has_begun_ = ::access(begin_.c_str(), F_OK) == 0;
    if (!has_begun_) (void)poll.wait(standpipe::Poll::Clock::now() + std::chrono::milliseconds(1));
    return has_begun_;
  }

  std::uint64_t left_;
  std::string payload_;
  std::string begin_;
  bool has_begun_ = false;
};

}  // namespace

STANDPIPE_PLUGIN(Maker)
