// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "address.h"
#include "common/error_text.h"

namespace unix_socket {

namespace {

constexpr std::chrono::milliseconds kAcceptPause{10};

std::string lock_path(const Endpoint& endpoint) { return endpoint.path + ".lock"; }

[[noreturn]] void refuse_place(const std::string& path, int error) {
  throw standpipe::fatal("cannot serve " + path + " (" + common::error_text(error) +
                         "): its folder must exist, and this user must be able to write to it");
}

}  // namespace

Listener::Listener(standpipe::Host host, const Settings& settings)
    : host_(host),
      endpoint_(settings.endpoint),
      options_(settings.listen),
      allow_(settings.allowed) {
  if (!endpoint_.is_abstract()) {
    lock();
    remove_stale();
  } else if (allow_.is_empty()) {
    host_.warning("path " + endpoint_.path +
                  " is an abstract name, which has no permissions: every user of this network "
                  "namespace can connect; set allow_users or allow_groups, or use a path");
  }
  bind();
}

Listener::~Listener() {
  if (endpoint_.is_abstract()) return;
  struct stat now {};
  if (inode_ != 0 && ::lstat(endpoint_.path.c_str(), &now) == 0 && now.st_ino == inode_)
    ::unlink(endpoint_.path.c_str());
  if (lock_) ::unlink(lock_path(endpoint_).c_str());
}

// Whoever ends removes the lock's file while it has the lock, so what was locked may be a file that
// is at the path no longer: then it is tried again.
void Listener::lock() {
  const auto path = lock_path(endpoint_);
  for (;;) {
    common::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) refuse_place(endpoint_.path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
      throw standpipe::disconnected("another hub serves " + endpoint_.path + ": " + path +
                                    " is locked");
    struct stat ours {
    }, now{};
    if (::fstat(fd.get(), &ours) == 0 && ::lstat(path.c_str(), &now) == 0 &&
        ours.st_ino == now.st_ino && ours.st_dev == now.st_dev) {
      lock_ = std::move(fd);
      return;
    }
  }
}

void Listener::remove_stale() const {
  const auto& path = endpoint_.path;
  struct stat now {};
  if (::lstat(path.c_str(), &now) != 0) return;
  if (!S_ISSOCK(now.st_mode))
    throw standpipe::fatal("path: " + path +
                           " is there and is no socket; remove it or choose another path");
  const Address address(path);
  const auto probe = make_socket(endpoint_);
  if (::connect(probe.get(), address.get(), address.size()) == 0 || errno != ECONNREFUSED)
    throw standpipe::disconnected("another program serves " + path +
                                  ": end it, or choose another path");
  ::unlink(path.c_str());
}

// The socket's own mode is the file's when it is made, so that nobody comes in before its owner and
// mode are what they should be; the process's umask, which all threads share, stays untouched.
void Listener::bind() {
  const Address address(endpoint_.path);
  socket_ = make_socket(endpoint_);
  if (!endpoint_.is_abstract()) ::fchmod(socket_.get(), 0);
  if (::bind(socket_.get(), address.get(), address.size()) != 0) {
    if (errno == EADDRINUSE)
      throw standpipe::disconnected("another program serves " + endpoint_.path +
                                    ": end it, or choose another path");
    refuse_place(endpoint_.path, errno);
  }
  if (!endpoint_.is_abstract()) set_owner();
  if (::listen(socket_.get(), options_.backlog) != 0)
    throw standpipe::disconnected("cannot listen at " + endpoint_.path + ": " +
                                  common::error_text(errno));
}

void Listener::set_owner() {
  const auto& path = endpoint_.path;
  struct stat made {};
  if (::lstat(path.c_str(), &made) == 0) inode_ = made.st_ino;
  const auto fail = [&](const char* what) {
    const auto why = common::error_text(errno);
    ::unlink(path.c_str());
    throw standpipe::fatal(std::string(what) + ": cannot set it on " + path + ": " + why);
  };
  const auto owner =
      options_.owner.empty() ? static_cast<uid_t>(-1) : user_number("owner", options_.owner);
  const auto group =
      options_.group.empty() ? static_cast<gid_t>(-1) : group_number("group", options_.group);
  if ((!options_.owner.empty() || !options_.group.empty()) &&
      ::lchown(path.c_str(), owner, group) != 0)
    fail(options_.owner.empty() ? "group" : "owner");
  if (::chmod(path.c_str(), options_.mode) != 0) fail("mode");
}

// Too many descriptors are open, say: the client stays in the backlog, and epoll reports it at once
// again.
void Listener::cannot_accept(int error) {
  if (const auto line = throttle_.line("cannot accept a client at " + endpoint_.path + ": " +
                                       common::error_text(error)))
    host_.error(*line);
  std::this_thread::sleep_for(kAcceptPause);
}

std::optional<Connection> Listener::accept() {
  for (;;) {
    common::Fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) cannot_accept(errno);
      return std::nullopt;
    }
    set_buffers(fd.get(), endpoint_);
    auto who = Credentials::of(fd.get());
    if (allow_.allows(who)) return Connection{std::move(fd), std::move(who)};
    if (const auto line =
            throttle_.line("refused a client at " + endpoint_.path + " (" + who.text() +
                           "): neither allow_users nor allow_groups has it"))
      host_.warning(*line);
  }
}

}  // namespace unix_socket
