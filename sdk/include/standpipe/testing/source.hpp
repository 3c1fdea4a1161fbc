// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/source.hpp: one instance of a source, called as a hub calls it. Part of
// testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing/call.hpp>
#include <standpipe/testing/config.hpp>
#include <standpipe/testing/host.hpp>
#include <standpipe/testing/library.hpp>
#include <standpipe/testing/message.hpp>
#include <standpipe/testing/region.hpp>
#include <standpipe/text.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace standpipe::testing {

// What a poll may bring, and how long it may wait for it.
struct Credit {
  std::uint32_t messages = 100;
  std::uint64_t bytes = 1 << 20;
  std::chrono::nanoseconds wait = std::chrono::milliseconds(0);
  int wake_fd = -1;
};

// Closed and destroyed with the object, if the test did not do it.
class Source {
 public:
  // What create answered: look at it before anything else is called.
  Status created;

  Source(const standpipe_plugin& plugin, Host& host, const Options& options = {},
         std::string_view instance = "it")
      : abi_(detail::functions_of(
            STANDPIPE_HAS(&plugin, standpipe_plugin, source) ? plugin.source : nullptr, "source")),
        host_(host) {
    const Config config(plugin, options, instance, host.shape());
    created = detail::status(host_, "create", [&](standpipe_reason* reason) {
      return abi_.create(host_.abi(), config.abi(), &self_, reason);
    });
  }
  // Of a source class, without a built plugin.
  template <class T>
  static Source of(Host& host, const Options& options = {}) {
    return Source(plugin_of<T>(), host, options);
  }
  ~Source() {
    try {
      close();
      destroy();
    } catch (const std::exception&) {  // a destructor is no place to say it: call destroy for that
    }
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Goes on where the last committed poll said, or where the test says.
  Status open(std::optional<std::string> resume = {}) {
    need_created("open");
    if (resume) host_.resume = *resume;
    const Region lent(host_.resume.size());
    std::copy(host_.resume.begin(), host_.resume.end(), lent.data());
    lent.allow_no_writing();
    const standpipe_string text{lent.as<const char>(), lent.bytes()};
    const auto answer = detail::status(host_, "open", [&](standpipe_reason* reason) {
      return abi_.open ? abi_.open(self_, text, reason) : std::uint32_t{STANDPIPE_OK};
    });
    is_open_ = answer.ok();
    return answer;
  }
  Polled poll(const Credit& credit = {}) {
    need_created("poll");
    const Region lent(sizeof(standpipe_credit));
    auto* abi = lent.as<standpipe_credit>();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    *abi = {sizeof *abi,    credit.messages,
            credit.bytes,   static_cast<std::uint64_t>((now + credit.wait).count()),
            credit.wake_fd, 0};
    host_.begin_poll(credit.messages);
    Polled polled;
    static_cast<Status&>(polled) = detail::status(
        host_, "poll", [&](standpipe_reason* reason) { return abi_.poll(self_, abi, reason); });
    polled.messages = host_.end_poll();
    polled.resume = host_.resume;
    return polled;
  }
  // Every message up to this sequence is safe.
  void committed(std::uint64_t sequence) {
    need_created("committed");
    if (abi_.committed)
      detail::guarded(host_, "committed", [&] { abi_.committed(self_, sequence); });
  }
  void close() {
    if (is_open_ && abi_.close) detail::guarded(host_, "close", [&] { abi_.close(self_); });
    is_open_ = false;
  }
  void destroy() {
    if (created.ok() && !is_destroyed_)
      detail::guarded(host_, "destroy", [&] { abi_.destroy(self_); });
    is_destroyed_ = true;
  }

 private:
  void need_created(const std::string& call) const {
    if (!created.ok())
      throw std::logic_error(call + " is called though create failed: " + created.reason);
  }

  standpipe_source abi_;
  Host& host_;
  void* self_ = nullptr;
  bool is_open_ = false;
  bool is_destroyed_ = false;
};

}  // namespace standpipe::testing
