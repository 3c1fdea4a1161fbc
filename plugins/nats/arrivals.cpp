// SPDX-License-Identifier: Apache-2.0
#include "arrivals.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <standpipe/plugin.hpp>
#include <utility>

#include "common/error_text.h"

namespace nats {

void Arrivals::open() {
  if (fd_) return;
  fd_ = common::Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd_) throw standpipe::disconnected("eventfd: " + common::error_text(errno));
}

void Arrivals::add(Owned<natsMsg> message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  signal();
}

void Arrivals::wake() {
  const std::lock_guard lock(mutex_);
  signal();
}

void Arrivals::signal() {
  if (!is_signalled_) ::eventfd_write(fd_.get(), 1);
  is_signalled_ = true;
}

std::deque<Owned<natsMsg>> Arrivals::take_all() {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  if (is_signalled_) ::eventfd_read(fd_.get(), &count);
  is_signalled_ = false;
  return std::exchange(messages_, {});
}

}  // namespace nats
