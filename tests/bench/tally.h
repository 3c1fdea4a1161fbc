// SPDX-License-Identifier: Apache-2.0
//
// What the bench's plugins have in common: they count messages and their bytes, and say when they
// have them all, in the lines of load.h.
#pragma once

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>

namespace bench {

inline double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Of one thread, after the constructor.
class Tally {
 public:
  static void describe(standpipe::Description& d) {
    d.option("messages").integer().required().summary("how many will come");
    d.option("warm").integer().required().summary("how many are not measured");
    d.option("say").path().required().summary("the FIFO to say it in");
  }
  explicit Tally(const standpipe::Options& options)
      : all_(static_cast<std::uint64_t>(options.integer("messages"))),
        warm_(static_cast<std::uint64_t>(options.integer("warm"))),
        path_(options.text("say")) {}

  void open() { fd_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC); }
  void close() { ::close(fd_); }

  void add(std::uint64_t messages, std::uint64_t bytes) {
    const auto before = messages_;
    messages_ += messages;
    bytes_ += bytes;
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

}  // namespace bench
