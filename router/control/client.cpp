// SPDX-License-Identifier: Apache-2.0
#include "control/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/failure.h"
#include "base/limits.h"
#include "base/text.h"
#include "control/address.h"

namespace standpipe::control {
namespace {

Nanoseconds now() { return SystemClock().steady(); }

// For connect, which waits while the hub's queue of connections is full.
void limit_waiting(const Fd& fd, Nanoseconds most) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(most).count();
  const timeval limit{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Failure no_answer(const std::string& path, Nanoseconds patience) {
  return Failure(
      "the hub at " + path + " does not answer within " + duration_text(patience) +
          ": its loop waits, perhaps for a plugin's call that does not come back",
      "its log names such a handler after 10s; or it is stopped or very busy: pgrep -a standpipe");
}

}  // namespace

std::optional<Client> Client::connect(const std::string& path, Nanoseconds patience) {
  const Address address(path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Failure::system("make a socket", errno);
  limit_waiting(fd, patience);
  if (::connect(fd.get(), address.get(), address.size()) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return std::nullopt;
    if (errno == EAGAIN) throw no_answer(path, patience);
    throw Failure::system(
        "connect to " + path, errno,
        errno == EACCES ? "only the user that runs the hub, and root, may ask it" : "");
  }
  const auto user = peer_user(fd.get());
  if (const auto we = ::geteuid(); we != 0 && user != we && user != 0)
    throw Failure(
        "what listens at " + path + " belongs to another user (" + std::to_string(user) + ")",
        "name the hub's own socket: --control PATH");
  return Client(std::move(fd), path, patience);
}

Client::Client(Fd fd, std::string path, Nanoseconds patience)
    : fd_(std::move(fd)), path_(std::move(path)), patience_(patience) {}

std::string Client::ask(std::string_view request) {
  const auto until = now() + patience_;
  send(std::string(request) + '\n');
  const auto all = receive(until);
  const auto line_end = std::min(all.find('\n'), all.size());
  const auto head = std::string_view(all).substr(0, line_end);
  auto body = all.substr(std::min(line_end + 1, all.size()));
  if (head.starts_with("error: ")) {
    const bool has_help = body.starts_with("help: ") && body.ends_with('\n');
    throw Failure(std::string(head.substr(7)),
                  has_help ? body.substr(6, body.size() - 7) : std::string());
  }
  const auto length = head.starts_with("ok ") ? parse_integer(head.substr(3)) : std::nullopt;
  if (!length || static_cast<std::uint64_t>(*length) != body.size())
    throw Failure("the answer of the hub at " + path_ +
                  " is not whole: it ended meanwhile, or is no hub");
  return body;
}

// A hub that refuses has closed already, and its reason waits to be read, so this is not a failure.
void Client::send(std::string_view line) {
  while (!line.empty()) {
    const auto n = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) throw no_answer(path_, patience_);
    if (n < 0) return;
    line.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string Client::receive(Nanoseconds until) {
  std::string all;
  std::array<char, 64 * KiB> bytes;
  while (all.size() <= kControlAnswersBytesMax + KiB) {
    pollfd readable{fd_.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
    const int ready = left <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) throw no_answer(path_, patience_);
    const auto n = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0)
      return all;  // its end; or it closed without having read all of ours, which comes to the same
    all.append(bytes.data(), static_cast<std::size_t>(n));
  }
  throw Failure("the hub at " + path_ + " answers without an end");
}

}  // namespace standpipe::control
