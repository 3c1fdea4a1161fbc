// SPDX-License-Identifier: Apache-2.0
//
// standpipe/source.hpp: what a source is given: a poll, within which it puts messages; and the C
// functions of a source class, which STANDPIPE_PLUGIN exports. Part of plugin.hpp.
#pragma once

#include <poll.h>
#include <standpipe/plugin.h>
#include <standpipe/host.hpp>
#include <standpipe/instance.hpp>
#include <standpipe/message.hpp>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace standpipe {

// One call of a source's poll: how much it may bring, and what it brings. Borrowed until poll
// returns; in its thread alone.
class Poll {
 public:
  using Clock = std::chrono::steady_clock;

  Poll(const standpipe_credit& credit, const Host& host)
      : credit_(&credit),
        host_(host),
        power_(static_cast<const standpipe_accept*>(host.extension(STANDPIPE_ACCEPT_EXTENSION))),
        messages_(credit.messages),
        bytes_(credit.bytes) {
    if (!power_) throw fatal("this router has no " STANDPIPE_ACCEPT_EXTENSION);
  }
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  // What is left of the credit: messages, and about so many bytes of payload and metadata. The last
  // message may be larger than that.
  std::uint32_t messages() const { return messages_; }
  std::uint64_t bytes() const { return bytes_; }
  bool has_credit() const { return messages_ > 0 && bytes_ > 0; }
  // Return by then, with or without messages.
  Clock::time_point deadline() const {
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(
        std::chrono::nanoseconds(static_cast<std::int64_t>(credit_->deadline))));
  }
  // Becomes readable when poll is to return early; -1: there is none. For those who wait for
  // descriptors of their own in their own way. Never read or close it.
  int wake_fd() const { return credit_->wake_fd; }

  // Brings a message. Put::full: there is no room left, so return. The host commits what was put
  // when poll returns, also by an exception; until then a death undoes it.
  Put put(std::string_view payload, const Meta& meta = {}) {
    const auto message = detail::out(payload, meta.pairs());
    const auto answer = static_cast<Put>(power_->put(host_.self(), &message, &sequence_));
    if (answer != Put::ok) return answer;
    has_put_ = true;
    messages_ -= messages_ > 0;
    bytes_ -= std::min<std::uint64_t>(bytes_, payload.size() + meta.bytes());
    return answer;
  }
  // Of the message that was put last in this poll: what `committed` will say once it is safe.
  std::uint64_t sequence() const { return sequence_; }
  // Where to go on after all that was put so far: at most STANDPIPE_RESUME_BYTES_MAX of any bytes,
  // which are committed together with those messages, and are what open is given. The last call in
  // a poll counts.
  void resume(std::string_view text) { power_->resume(host_.self(), detail::abi(text)); }

  enum class Woken {
    ready,  // the descriptor can be read, or is closed at the other end
    due,    // it is `until`
    over    // poll is to return: the deadline has passed, the host wants it, or there is a put
  };
  // Waits for the first of these. A descriptor of -1 is none. In a plugin that never_blocks(), do
  // not call it. What was put is committed, and seen by handlers, when poll returns: so after a put
  // this waits for nothing, and says `over` unless it is `ready` or `due` at once.
  Woken wait(int fd, Clock::time_point until = Clock::time_point::max()) const {
    const auto end = std::min(until, has_put_ ? Clock::now() : deadline());
    pollfd fds[] = {{fd, POLLIN, 0}, {wake_fd(), POLLIN, 0}};
    for (;;) {
      const auto left = std::max(end - Clock::now(), Clock::duration::zero());
      const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
      const timespec pause{static_cast<std::time_t>(seconds.count()),
                           static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
      const int found = ::ppoll(fds, 2, &pause, nullptr);
      if (found < 0 && errno != EINTR) throw disconnected(std::strerror(errno));
      if (found > 0) return fds[1].revents != 0 ? Woken::over : Woken::ready;
      if (found == 0) return until <= end ? Woken::due : Woken::over;
    }
  }
  Woken wait(Clock::time_point until) const { return wait(-1, until); }

 private:
  const standpipe_credit* credit_;
  Host host_;
  const standpipe_accept* power_;
  std::uint32_t messages_;
  std::uint64_t bytes_;
  std::uint64_t sequence_ = 0;
  bool has_put_ = false;
};

namespace detail {

template <class T>
concept Polls = requires(T& t, Poll& p) {
  t.poll(p);
};
template <class T>
concept HearsOfCommits = requires(T& t, std::uint64_t sequence) {
  t.committed(sequence);
};

// A source and the host that it was made with, which its polls need.
template <class T>
struct HostedSource {
  explicit HostedSource(const Options& options) : host(options.host()), source(options) {}
  void close() {
    if constexpr (requires(T & t) { t.close(); }) source.close();
  }
  Host host;
  T source;
};

// The C functions of a source class, in the plugin that Plugin::description() describes.
template <class T, class Plugin>
struct SourceFunctions {
  static standpipe_source table(std::uint32_t placement) {
    standpipe_source source{};
    source.size = sizeof source;
    source.placement = placement;
    source.create = Instance<HostedSource<T>, Plugin>::create;
    source.open = open;
    source.poll = poll;
    if constexpr (HearsOfCommits<T>) source.committed = committed;
    source.close = Instance<HostedSource<T>, Plugin>::close;
    source.destroy = Instance<HostedSource<T>, Plugin>::destroy;
    return source;
  }

 private:
  static HostedSource<T>& of(void* self) { return *static_cast<HostedSource<T>*>(self); }

  static std::uint32_t open(void* self, standpipe_string resume,
                            standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.open(std::string_view()); })
        of(self).source.open(view(resume));
      else if constexpr (requires(T & t) { t.open(); })
        of(self).source.open();
    });
  }
  static std::uint32_t poll(void* self, standpipe_credit* credit,
                            standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      Poll now(*credit, of(self).host);
      of(self).source.poll(now);
    });
  }
  static void committed(void* self, std::uint64_t sequence) noexcept {
    guarded(nullptr, STANDPIPE_OK, [&] {
      if constexpr (HearsOfCommits<T>) of(self).source.committed(sequence);
    });
  }
};

}  // namespace detail
}  // namespace standpipe
