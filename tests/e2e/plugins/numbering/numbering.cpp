// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <standpipe/plugin.hpp>

// A source that never waits: numbers from 1 to `count`, at most 50 a poll. What it hears of being
// safe it writes down in `heard`; it dies at `die`, once it has put that.
class Numbering {
 public:
  static void describe(standpipe::Description& d) {
    d.name("numbering").version("1.0").summary("puts numbers").never_blocks();
    d.option("count").integer().required().summary("how many");
    d.option("heard").path().summary("a file, for what is safe");
    d.option("die").integer().fallback("0").summary("the number to die at");
    d.option("end")
        .one_of({"quiet", "disconnected", "fatal"})
        .fallback("quiet")
        .summary("what it says when it has put all");
  }
  explicit Numbering(const standpipe::Options& options)
      : count_(options.integer("count")),
        die_(options.integer("die")),
        heard_(options.text("heard")),
        end_(options.text("end")) {}

  void open(std::string_view resume) {
    next_ = resume.empty() ? 1 : std::stoll(std::string(resume));
  }
  void poll(standpipe::Poll& poll) {
    for (int i = 0; i < 50 && next_ <= count_; ++i) {
      if (poll.put(std::to_string(next_)) != standpipe::Put::ok) return;
      if (next_ == die_) __builtin_trap();
      ++next_;
      poll.resume(std::to_string(next_));
    }
    if (next_ <= count_) return;
    if (end_ == "disconnected") throw standpipe::disconnected("there is nothing left");
    if (end_ == "fatal") throw standpipe::fatal("there is nothing left");
  }
  void committed(std::uint64_t sequence) {
    if (heard_.empty()) return;
    const auto line = std::to_string(sequence) + "\n";
    const int fd = ::open(heard_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    (void)!::write(fd, line.data(), line.size());
    ::close(fd);
  }

 private:
  std::int64_t count_, die_, next_ = 1;
  std::string heard_, end_;
};

STANDPIPE_PLUGIN(Numbering)
