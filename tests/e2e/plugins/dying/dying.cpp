// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <standpipe/plugin.hpp>
#include <string>

namespace {

class Dying {
 public:
  static void describe(standpipe::Description& d) {
    d.name("dying").version("1.0").summary(
        "ends the process it runs in, in a chosen call and a chosen way");
    d.option("in")
        .one_of({"create", "open", "handle", "flush", "close"})
        .fallback("handle")
        .summary("in which call");
    d.option("by")
        .one_of({"crash", "exit", "quit", "kill", "alarm", "overflow"})
        .fallback("crash")
        .summary(
            "crash: a fault; exit: std::exit(0); quit: _exit(0); kill: SIGKILL; alarm: SIGALRM; "
            "overflow: of its stack");
    d.option("trap").text().fallback("poison").summary(
        "in handle: at messages that begin so; in close: it disconnects at them");
    d.option("until")
        .path()
        .required()
        .summary("it dies no more once there is this file")
        .example("/tmp/cured");
  }
  explicit Dying(const standpipe::Options& options)
      : in_(options.text("in")),
        by_(options.text("by")),
        trap_(options.text("trap")),
        until_(options.text("until")) {
    die("create");
  }
  void open() { die("open"); }
  void handle(const standpipe::Message& m) {
    if (!m.text().starts_with(trap_)) return;
    if (in_ == "close" && !cured()) throw standpipe::disconnected("it is to be closed");
    die("handle");
  }
  void flush(std::chrono::nanoseconds) { die("flush"); }
  void close() { die("close"); }

 private:
  bool cured() const { return ::access(until_.c_str(), F_OK) == 0; }
  static int dig(int depth) {
    volatile char room[4096];
    room[depth & 4095] = 1;
    return depth < 0 ? 0 : dig(depth + 1) + room[0];
  }
  void die(const char* phase) const {
    if (in_ != phase || cured()) return;
    if (by_ == "exit") std::exit(0);
    if (by_ == "quit") ::_exit(0);
    if (by_ == "kill") (void)::kill(::getpid(), SIGKILL);
    if (by_ == "alarm") (void)::kill(::getpid(), SIGALRM);
    if (by_ == "overflow") (void)dig(1);
    volatile int* volatile nowhere =
        nullptr;  // a real fault: a signal that is only sent may be blocked in this thread
    if (by_ == "crash") *nowhere = 1;
    ::pause();  // the signal is on its way
  }

  std::string in_, by_, trap_, until_;
};

}  // namespace

STANDPIPE_PLUGIN(Dying)
