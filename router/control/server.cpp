// SPDX-License-Identifier: Apache-2.0
#include "control/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/failure.h"
#include "base/text.h"
#include "control/address.h"

namespace standpipe::control {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kIdleMax = 10s;  // then a client gives way to another
constexpr std::uint64_t kNoClient =
    kControlClientsMax;  // an event's data: which client, or not one

void add(const Fd& epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kNoClient;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw Failure::system("watch the control socket", errno, "raise fs.epoll.max_user_watches");
}

// A short last line: it fits into the socket's buffer, or nobody misses it.
void say(const Fd& fd, std::string_view line) {
  (void)!::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Server::Server(Listener listener, const Clock& clock, Answer answer)
    : listener_(std::move(listener)),
      clock_(clock),
      answer_(std::move(answer)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      nudge_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!epoll_ || !nudge_)
    throw Failure::system("watch the control socket", errno,
                          "raise the limit of open files: ulimit -n");
  // Both are edge-triggered: the listener, because a connection that cannot be accepted for lack of
  // descriptors would otherwise be announced for ever; the nudge, because then it need not be read.
  add(epoll_, listener_.fd());
  add(epoll_, nudge_.get());
}

bool Server::listen_again() {
  if (listener_.has_its_file()) return false;
  auto fresh = Listener::at(listener_.path());
  if (!fresh)
    throw Failure("another hub took the control socket " + listener_.path() +
                      ", so this one cannot be asked any more",
                  "start it again with another: --control PATH");
  add(epoll_, fresh->fd());
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.fd(),
                    nullptr);  // others may have it open, so closing is not enough
  listener_ = std::move(*fresh);
  listener_.leave_file();
  return true;
}

void Server::on_event() {
  std::array<epoll_event, kControlClientsMax + 2> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < n; ++i)
    if (const auto at = events[static_cast<std::size_t>(i)].data.u64; at < kNoClient)
      serve(clients_[at]);
  const bool more_wait = accept();
  if (!more_wait && ::epoll_wait(epoll_.get(), events.data(), 1, 0) <= 0) return;
  const std::uint64_t one = 1;
  (void)!::write(nudge_.get(), &one, sizeof one);
}

// As many as could be answered at once; true: there may be more.
bool Server::accept() {
  for (std::size_t i = 0; i < kControlClientsMax; ++i) {
    Fd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      admit(std::move(fd));
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return false;
    }
  }
  return true;
}

void Server::admit(Fd fd) {
  if (const auto user = peer_user(fd.get()); user != ::geteuid() && user != 0)
    return say(fd, "error: this hub answers only the user that runs it, and root\n");
  auto* place = free_slot();
  if (!place)
    return say(fd, "error: " + std::to_string(kControlClientsMax) +
                       " others are being answered; try again in a moment\n");
  place->emplace(Client{.fd = std::move(fd), .moved = clock_.steady()});
  if (!watch(EPOLL_CTL_ADD, *place, EPOLLIN)) place->reset();
}

Server::Slot* Server::free_slot() {
  const auto free = std::find(clients_.begin(), clients_.end(), std::nullopt);
  if (free != clients_.end()) return &*free;
  const auto idlest = std::min_element(clients_.begin(), clients_.end(),
                                       [](auto& a, auto& b) { return a->moved < b->moved; });
  if (clock_.steady() - (*idlest)->moved < kIdleMax) return nullptr;
  idlest->reset();
  return &*idlest;
}

bool Server::watch(int operation, const Slot& place, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint64_t>(&place - clients_.data());
  return ::epoll_ctl(epoll_.get(), operation, place->fd.get(), &event) == 0;
}

void Server::serve(Slot& place) {
  if (!place) return;
  if (place->answer.empty()) {
    read_request(place);
  } else {
    send_answer(place);
  }
}

void Server::read_request(Slot& place) {
  std::array<char, kControlRequestBytesMax> bytes;
  const auto n = ::recv(place->fd.get(), bytes.data(), bytes.size(), 0);
  if (n < 0 && would_block()) return;
  if (n < 0) return place.reset();
  auto& request = place->request;
  request.append(bytes.data(), static_cast<std::size_t>(n));
  const auto end = request.find('\n');
  if (std::min(end, request.size()) > kControlRequestBytesMax) {
    say(place->fd, "error: a request is one line of at most " + thousands(kControlRequestBytesMax) +
                       " bytes\n");
    return place.reset();
  }
  if (n == 0 && request.empty()) return place.reset();
  place->moved = clock_.steady();
  // A client that shuts its side down has sent everything, with or without the line's end.
  if (end != std::string::npos || n == 0)
    answer_to(std::string_view(request).substr(0, end), place);
}

void Server::answer_to(std::string_view request, Slot& place) {
  if (request.ends_with('\r')) request.remove_suffix(1);
  std::string answer;
  try {
    const auto text = answer_(request);
    if (text.size() + bytes_pending() > kControlAnswersBytesMax)
      throw Failure("no room for an answer of " + size_text(text.size()));
    answer = "ok " + std::to_string(text.size()) + '\n' + text;
  } catch (const Failure& failure) {
    answer = std::string("error: ") + failure.what() + '\n';
    if (!failure.help().empty()) answer += "help: " + failure.help() + '\n';
  }
  place->answer = std::move(answer);
  if (!watch(EPOLL_CTL_MOD, place, EPOLLOUT)) return place.reset();
  send_answer(place);
}

void Server::send_answer(Slot& place) {
  auto& client = *place;
  const auto rest = std::string_view(client.answer).substr(client.sent);
  const auto n = ::send(client.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (n < 0 && would_block()) return;
  if (n < 0) return place.reset();
  client.sent += static_cast<std::size_t>(n);
  client.moved = clock_.steady();
  if (client.sent == client.answer.size()) place.reset();
}

std::size_t Server::bytes_pending() const {
  std::size_t bytes = 0;
  for (const auto& client : clients_)
    if (client) bytes += client->answer.size();
  return bytes;
}

}  // namespace standpipe::control
