// SPDX-License-Identifier: Apache-2.0
#include "keeper/link.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/failure.h"
#include "base/file_id.h"
#include "base/invariant.h"
#include "base/text.h"
#include "keeper/wire.h"

namespace standpipe::keeper {
namespace {

// Takes over an inherited descriptor.
Fd adopt(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    throw Failure::system("use descriptor " + std::to_string(fd) + " of the keeper", errno);
  return Fd(fd);
}

pid_t peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    throw Failure::system("reach the keeper", errno);
  return peer.pid;
}

std::optional<int> descriptor(std::string_view text) {
  const auto n = parse_integer(text);
  return n && *n > STDERR_FILENO && *n < (1 << 30) ? std::optional(static_cast<int>(*n))
                                                   : std::nullopt;
}

}  // namespace

std::atomic<Link::Shared*> Link::forks_with_{nullptr};

Link::Shared::~Shared() {
  auto* self = this;
  forks_with_.compare_exchange_strong(self, nullptr);
}

void Link::keep_from_children() {
  shared_->socket = socket_.get();
  forks_with_ = shared_.get();
  static const int registered = ::pthread_atfork(before_fork, after_fork, in_child);
  if (registered != 0)
    throw Failure::system("keep what is open from plugins' children", registered);
}

// Any thread may fork; the child must not find the map half changed.
void Link::before_fork() {
  if (auto* shared = forks_with_.load()) shared->mutex.lock();
}

void Link::after_fork() {
  if (auto* shared = forks_with_.load()) shared->mutex.unlock();
}

void Link::in_child() {
  auto* shared = forks_with_.exchange(nullptr);
  if (!shared) return;
  for (const auto& [name, open] : shared->open)
    if (is_of(open.fd, open.id)) ::close(open.fd);
  ::close(shared->socket);
  shared->mutex.unlock();
}

Link Link::from_environment() {
  Link link;
  const char* value = std::getenv("STANDPIPE_KEEPER");
  if (!value) return link;
  const std::string text = value;
  ::unsetenv("STANDPIPE_KEEPER");
  const auto comma = text.find(',');
  const auto socket = descriptor(text.substr(0, comma));
  const auto list = comma == text.npos ? std::nullopt : descriptor(text.substr(comma + 1));
  if (!socket || !list)
    throw Failure("STANDPIPE_KEEPER=" + text + " is not from a keeper", "unset STANDPIPE_KEEPER");
  link.socket_ = adopt(*socket);
  link.keeper_ = peer_of(*socket);
  const Fd names = adopt(*list);
  for (auto& entry : read_list(*list))
    link.inherited_.emplace(std::move(entry.name), adopt(entry.fd));
  link.keep_from_children();
  // When it is executed by descriptor, an older kernel (before 6.14) names the process after the
  // descriptor's number.
  ::prctl(PR_SET_NAME, "standpipe");
  return link;
}

std::optional<Fd> Link::retrieve(const std::string& name) {
  const auto it = inherited_.find(name);
  if (it == inherited_.end()) return std::nullopt;
  auto fd = std::move(it->second);
  inherited_.erase(it);
  note(name, fd.get());
  return fd;
}

void Link::note(const std::string& name, int fd) {
  const std::lock_guard lock(shared_->mutex);
  shared_->open.insert_or_assign(name, Open{fd, FileId::of(fd)});
}

std::vector<Store::Entry> Link::entries() const {
  std::vector<Store::Entry> all;
  const std::lock_guard lock(shared_->mutex);
  for (const auto& [name, open] : shared_->open)
    if (is_of(open.fd, open.id)) all.push_back({open.fd, name});
  return all;
}

std::vector<Store::Entry> Link::all_entries() const {
  auto all = entries();
  for (const auto& [name, fd] : inherited_) all.push_back({fd.get(), name});
  return all;
}

std::vector<std::string> Link::names() const {
  std::vector<std::string> all;
  for (const auto& [name, fd] : inherited_) all.push_back(name);
  return all;
}

void Link::keep(const std::string& name, int fd) {
  INVARIANT(!name.empty() && name.size() <= kNameBytesMax && name.find('\0') == name.npos,
            quoted(name));
  note(name, fd);
  if (!kept()) return;
  say("keep", name, fd);
  wait_for_answer(name);
}

void Link::forget(const std::string& name) {
  inherited_.erase(name);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->open.erase(name);
  }
  say("forget", name);
}

void Link::ready(std::string_view status) { say("ready", status.substr(0, kNameBytesMax)); }
void Link::saving() {
  pulse().saves = true;
  say("saving");
}

void Link::stopping() {
  pulse().saved = true;
  say("stopping");
}

void Link::ends(int status) { say("end", std::to_string(status)); }
void Link::damaged() { say("damaged"); }

void Link::succeeds() {
  say("succeeds");
  wait_for_answer("succeeds");
}

Link::Event Link::on_readable() {
  Message message;
  while (kept()) {
    const auto received = receive(socket_.get(), message);
    if (received == Received::nothing) break;
    if (received == Received::end) lost_ = true;
    if (received == Received::message) on_message(message);
  }
  return lost_ ? Event::lost : Event::none;
}

void Link::on_message(const Message& message) {
  if (message.verb == "ping") say("pong");
  if (message.verb != "want") return;
  if (const auto wanted = Wanted::from(message.rest)) wanted_ = *wanted;
  answer_is_due_ = true;
}

Link::Asked Link::asked() {
  if (!std::exchange(answer_is_due_, false)) return {};
  const Asked asked{wanted_.stops - std::min(acknowledged_.stops, wanted_.stops),
                    wanted_.reopens != acknowledged_.reopens,
                    wanted_.reloads != acknowledged_.reloads};
  acknowledged_ = wanted_;
  say("have", acknowledged_.text());
  return asked;
}

void Link::say(std::string_view verb, std::string_view rest, int fd) {
  if (!kept()) return;
  const int problem = send(socket_.get(), verb, rest, fd);
  if (problem == EPIPE || problem == ECONNRESET) lost_ = true;
  if (problem && !lost_)
    throw Failure::system("tell the keeper: " + std::string(verb) + ' ' + std::string(rest),
                          problem);
}

void Link::wait_for_answer(const std::string& name) {
  Message message;
  while (kept()) {
    const auto received = receive(socket_.get(), message);
    if (received == Received::end) lost_ = true;
    if (received == Received::nothing) {
      pollfd readable{socket_.get(), POLLIN, 0};
      (void)::poll(&readable, 1, -1);
    }
    if (received != Received::message) continue;
    on_message(message);
    if (message.verb == "kept") return;
    if (message.verb == "refused")
      throw Failure("the keeper does not keep " + quoted(name) + ": " + message.rest);
  }
}

}  // namespace standpipe::keeper
