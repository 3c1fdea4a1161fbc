// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "control/address.h"
#include "control/client.h"
#include "control/server.h"
#include "temporary_folder.h"

namespace kit {

using namespace standpipe;
using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  Nanoseconds steady() const override { return Nanoseconds(now_.load()); }
  Nanoseconds wall() const override { return steady(); }
  void advance(Nanoseconds d) { now_ += d.count(); }

 private:
  std::atomic<std::int64_t> now_{1};
};

// A connection made by hand, for what no honest client does. It waits ten seconds at most.
class Raw {
 public:
  explicit Raw(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const control::Address address(path);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd_.get(), address.get(), address.size()) != 0)
      throw std::runtime_error("cannot connect");
  }
  void send(std::string_view bytes) const {
    (void)!::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void shut() const { ::shutdown(fd_.get(), SHUT_WR); }
  // All that it is told, to the end.
  std::string reported() const {
    std::string all, some(65536, '\0');
    while (true) {
      const auto n = ::recv(fd_.get(), some.data(), some.size(), 0);
      if (n < 0 && errno == EAGAIN) return all + " (and then nothing for ten seconds)";
      if (n <= 0) return all;
      all.append(some, 0, static_cast<std::size_t>(n));
    }
  }

 private:
  Fd fd_;
};

// A server at work, in a loop that hears of each change once, as the hub's does. It answers "echo
// X" by X, "long" by a MiB.
class Serving {
 public:
  explicit Serving(bool loops = true)
      : server_(control::Listener::at(path()).value(), clock, answer) {
    if (loops) loop();
  }
  ~Serving() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    if (thread_.joinable()) thread_.join();
  }
  std::string path() const { return folder_ / "place/control"; }
  std::string ask(std::string_view request) const {
    return control::Client::connect(path()).value().ask(request);
  }
  void loop() {
    thread_ = std::thread([this] { run(); });
  }

  HandClock clock;

 private:
  static std::string answer(std::string_view request) {
    if (request == "long") return std::string(1 << 20, 'x');
    if (request == "huge") return std::string((16 << 20) + 1, 'x');
    if (request == "fail") throw Failure("this cannot be done", "do that");
    if (request.starts_with("echo ")) return std::string(request.substr(5));
    throw Failure("what is '" + std::string(request) + "'?");
  }
  void run() {
    const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : {server_.fd(), stop_.get()}) {
      epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
      ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    }
    for (epoll_event event{}; event.data.fd != stop_.get();)
      if (::epoll_wait(epoll.get(), &event, 1, -1) == 1 && event.data.fd == server_.fd())
        server_.on_event();
  }

  test::TemporaryFolder folder_;
  Fd stop_{::eventfd(0, EFD_CLOEXEC)};
  control::Server server_;
  std::thread thread_;
};

}  // namespace kit
