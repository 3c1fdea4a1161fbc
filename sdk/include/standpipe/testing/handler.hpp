// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/handler.hpp: one instance of a handler, called as a hub calls it. Part of
// testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing/call.hpp>
#include <standpipe/testing/config.hpp>
#include <standpipe/testing/host.hpp>
#include <standpipe/testing/library.hpp>
#include <standpipe/testing/loan.hpp>
#include <standpipe/testing/message.hpp>
#include <standpipe/text.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace standpipe::testing {

// Closed and destroyed with the object, if the test did not do it.
class Handler {
 public:
  // What create answered: look at it before anything else is called.
  Status created;

  Handler(const standpipe_plugin& plugin, Host& host, const Options& options = {},
          Lending lending = Lending::strict, std::string_view instance = "it")
      : abi_(detail::functions_of(plugin.handler, "handler")), host_(host), lending_(lending) {
    const auto config = std::make_unique<Config>(plugin, options, instance, host.shape());
    created = detail::status(host_, "create", [&](standpipe_reason* reason) {
      return abi_.create(host_.abi(), config->abi(), &self_, reason);
    });
  }
  // Of a handler class, without a built plugin.
  template <class T>
  static Handler of(Host& host, const Options& options = {}) {
    return Handler(plugin_of<T>(), host, options);
  }
  ~Handler() {
    try {
      close();
      destroy();
    } catch (const std::exception&) {  // a destructor is no place to say it: call destroy for that
    }
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  Status open() {
    need_created("open");
    const auto answer = detail::status(host_, "open", [&](standpipe_reason* reason) {
      return abi_.open ? abi_.open(self_, reason) : std::uint32_t{STANDPIPE_OK};
    });
    is_open_ = answer.ok();
    next_tick_ = 0;
    return answer;
  }
  void close() {
    if (is_open_ && abi_.close) detail::guarded(host_, "close", [&] { abi_.close(self_); });
    is_open_ = false;
    host_.forget_tickets();
  }
  void destroy() {
    if (created.ok() && !is_destroyed_)
      detail::guarded(host_, "destroy", [&] { abi_.destroy(self_); });
    is_destroyed_ = true;
  }
  Status flush(std::chrono::nanoseconds left = std::chrono::hours(1)) {
    need_created("flush");
    const auto deadline = std::chrono::steady_clock::now().time_since_epoch() + left;
    return detail::status(host_, "flush", [&](standpipe_reason* reason) {
      return abi_.flush ? abi_.flush(self_, static_cast<std::uint64_t>(deadline.count()), reason)
                        : std::uint32_t{STANDPIPE_OK};
    });
  }
  Status reopen() {
    need_created("reopen");
    const bool can = STANDPIPE_HAS(&abi_, standpipe_handler, reopen) && abi_.reopen;
    return detail::status(host_, "reopen", [&](standpipe_reason* reason) {
      return can ? abi_.reopen(self_, reason) : std::uint32_t{STANDPIPE_OK};
    });
  }

  Answer handle(const std::vector<std::string>& payloads) {
    std::vector<Message> messages;
    for (const auto& p : payloads) messages.push_back({p});
    return handle_messages(std::move(messages));
  }
  // Messages without a sequence get the next one.
  Answer handle_messages(std::vector<Message> messages, Feed feed = {}) {
    need_created("handle");
    for (auto& m : messages) {
      if (!m.sequence) m.sequence = sequence_ + 1;
      sequence_ = std::max(sequence_, m.sequence);
    }
    last_ = std::move(messages);
    last_feed_ = std::move(feed);
    return call();
  }
  Answer handle_messages(std::vector<Message> messages, const std::string& source,
                         std::uint32_t attempt = 1) {
    return handle_messages(std::move(messages), Feed{source, attempt});
  }
  // The last batch once more, as after a death: the same messages with the same sequences. A
  // redelivered message may have been handled before.
  Answer replay() { return call(); }
  // The last batch as another attempt, as after a retry.
  Answer retry() {
    ++last_feed_.attempt;
    return call();
  }

  // Moves the host's clocks on, and calls tick whenever the plugin asked for it. The first tick is
  // due at once after open.
  Status advance(std::chrono::nanoseconds by) {
    const auto end = host_.steady + static_cast<std::uint64_t>(by.count());
    Status last;
    while (last.ok() && ticks() && next_tick_ <= end) {
      set_clock(std::max(host_.steady, next_tick_));
      last = tick();
    }
    set_clock(end);
    return last;
  }
  std::uint64_t next_tick() const { return next_tick_; }
  bool ticks() const { return STANDPIPE_HAS(&abi_, standpipe_handler, tick) && abi_.tick; }

  // What lies at an address that was lent; empty: nothing of ours.
  std::string lent_at(const void* address) const {
    for (auto loan = loans_.rbegin(); loan != loans_.rend(); ++loan)
      if (auto what = (*loan)->describe(address); !what.empty()) return what;
    return {};
  }

 private:
  static constexpr std::size_t kLoansKept = 16;

  void need_created(const std::string& call) const {
    if (!created.ok())
      throw std::logic_error(call + " is called though create failed: " + created.reason);
  }
  void set_clock(std::uint64_t steady) {
    host_.now += steady - host_.steady;
    host_.steady = steady;
  }

  Status tick() {
    std::uint64_t next = std::numeric_limits<std::uint64_t>::max();
    host_.begin_call(0, {});
    Answer answer;
    static_cast<Status&>(answer) = detail::status(host_, "tick", [&](standpipe_reason* reason) {
      return abi_.tick(self_, host_.steady, &next, reason);
    });
    (void)host_.end_call(0, answer);
    if (next <= host_.steady)
      throw BrokenContract("tick asks to be called again at a time that has passed");
    next_tick_ = next;
    return answer;
  }

  Answer call() {
    const auto ticket = ++ticket_;
    loans_.push_back(std::make_unique<Loan>(last_, last_feed_, ticket, host_.shape(), lending_));
    auto& loan = *loans_.back();
    std::vector<std::uint64_t> sequences;
    std::vector<Pairs> meta;
    for (const auto& m : last_) {
      sequences.push_back(m.sequence);
      meta.push_back(m.meta);
    }
    host_.begin_call(ticket, std::move(sequences), std::move(meta));
    Answer answer;
    detail::guarded(host_, "handle",
                    [&] { answer.answer = abi_.handle(self_, loan.batch(), loan.result()); });
    read(loan, answer);
    answer.emitted = host_.end_call(ticket, answer);
    loan.end();
    if (loans_.size() > kLoansKept) loans_.pop_front();
    return answer;
  }

  void read(const Loan& loan, Answer& answer) const {
    const auto& result = *loan.result();
    const auto count = last_.size();
    answer.reason = detail::text_of("handle", loan.reason());
    if (result.at != STANDPIPE_NOT_TOLD && result.at > count)
      throw BrokenContract("handle stored " + std::to_string(result.at) +
                           " as `at` of a batch of " + std::to_string(count));
    answer.settled = result.at != STANDPIPE_NOT_TOLD ? result.at : answer.ok() ? count : 0;
    answer.outcomes.assign(loan.outcomes(), loan.outcomes() + answer.settled);
    answer.output = result.output;
    answer.reasons.resize(count);
    for (std::size_t i = answer.settled; i-- > 0;) {
      if (answer.outcomes[i] != STANDPIPE_RETRY && answer.outcomes[i] != STANDPIPE_REJECT) continue;
      answer.reasons[i] = answer.reason;  // it belongs to the last one that needs it
      break;
    }
    if (host_.shape() != Shape::minor_0) read_notes(result, answer);
  }
  static void read_notes(const standpipe_result& result, Answer& answer) {
    if (result.note_count > result.note_room)
      throw BrokenContract("handle wrote more notes than there is room for");
    for (std::uint32_t i = 0; i < result.note_count; ++i) {
      const auto& note = result.notes[i];
      if (note.message >= answer.reasons.size() || note.length > sizeof note.text)
        throw BrokenContract("handle wrote a note that is of no message, or too long");
      answer.reasons[note.message].assign(note.text, note.length);
    }
  }

  standpipe_handler abi_;
  Host& host_;
  Lending lending_;
  void* self_ = nullptr;
  bool is_open_ = false;
  bool is_destroyed_ = false;
  std::uint64_t sequence_ = 0;
  std::uint64_t ticket_ = 0;
  std::uint64_t next_tick_ = 0;
  std::vector<Message> last_;
  Feed last_feed_;
  std::deque<std::unique_ptr<Loan>> loans_;
};

}  // namespace standpipe::testing
