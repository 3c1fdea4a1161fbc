// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/host.hpp: the other side of standpipe_host. Part of testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing/message.hpp>
#include <standpipe/testing/region.hpp>
#include <standpipe/testing/shape.hpp>
#include <standpipe/text.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace standpipe::testing {

// Says what the test says, and remembers what it was told. It must live longer than its handlers;
// one handler has one host.
class Host {
 public:
  struct Fifo {
    std::string path;
    std::uint32_t mode = 0, create = 0, on_reader_death = 0, mode_given = 0;
  };
  struct File {
    int fd = -1;  // the plugin's own
    std::string path;
    std::int64_t sync = 0;
    std::uint64_t bytes = 0, time = 0;  // as asked by send_all_until
    bool all = false;                   // granted
  };

  // ---- what a plugin finds
  std::uint64_t now = kNoon;             // the wall clock, ns since 1970
  std::uint64_t steady = 1'000'000'000;  // the clock of ticks, ns
  bool stopping = false;
  bool has_outputs = true;
  bool has_settle = true;
  bool has_emit = true;
  bool has_accept = true;
  std::string fifo_refusal;  // not empty: add_fifo fails with it
  // How many more messages may be emitted before emit answers FULL, and how large each may be.
  std::size_t emit_room = std::numeric_limits<std::size_t>::max();
  std::size_t emit_bytes_max = 16 << 20;

  std::function<void(const char*)> before_call;  // with the name of each call of the plugin

  // ---- what it was told
  std::vector<std::string> reported;  // "warning: ..."
  std::vector<Fifo> fifos;
  std::vector<File> files;   // in the order in which they were lent
  std::uint32_t all_to = 0;  // as asked by send_all
  std::vector<Made> emitted;
  std::vector<Settled> settlements;  // of taken messages, once each
  std::vector<Put> accepted;         // from a source
  std::string resume;                // what a source said last, committed
  std::size_t refused = 0;           // puts of the last poll that were answered FULL
  std::size_t ignored = 0;           // settlements that settled nothing
  // What was emitted, put or said of where to go on outside of the call for that, or in another
  // thread than the call's. A router refuses it, and so it is here.
  std::size_t outside = 0;
  std::size_t woken = 0;  // how often a call of tick was asked for (Host::wake)

  explicit Host(Shape shape = Shape::today) : shape_(shape), host_(detail::host_bytes(shape)) {
    std::memset(host_.data(), detail::kUnknownByte, host_.bytes());
    const bool is_first = shape == Shape::minor_0;
    const standpipe_host abi{static_cast<std::uint32_t>(host_.bytes()),
                             STANDPIPE_ABI_MAJOR,
                             static_cast<std::uint16_t>(is_first ? 0 : STANDPIPE_ABI_MINOR),
                             this,
                             on_log,
                             [](void* self) { return of(self).now; },
                             [](void* self) -> std::uint32_t { return of(self).stopping; },
                             on_extension};
    std::memcpy(host_.data(), &abi, sizeof abi);
    if (is_first) {
      output_.size = offsetof(standpipe_output, send_all);
      has_settle = has_emit = has_accept = false;
    }
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const standpipe_host* abi() const { return host_.as<const standpipe_host>(); }
  Shape shape() const { return shape_; }
  // Older routers write to FIFOs alone.
  void without_files() { output_.size = offsetof(standpipe_output, add_file); }
  void with_files() { output_.size = sizeof output_; }

  // Waits until so many taken messages are settled, which a plugin may do from a thread of its own.
  bool wait_for_settlements(std::size_t count,
                            std::chrono::milliseconds most = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return settlements.size() >= count; });
  }
  // Taken and not settled.
  std::size_t taken() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [ticket, batch] : open_)
      for (const auto state : batch.states) count += state == State::taken;
    return count;
  }

  // ---- around a call of handle or tick, by the handler
  void begin_call(std::uint64_t ticket, std::vector<std::uint64_t> sequences,
                  std::vector<Pairs> meta = {}) {
    const std::lock_guard lock(mutex_);
    caller_ = std::this_thread::get_id();
    pending_.clear();
    if (ticket == 0) return;
    auto& batch = open_[ticket];
    batch.states.assign(sequences.size(), State::handled);
    batch.sequences = std::move(sequences);
    batch.meta = std::move(meta);
    current_ = ticket;
  }
  // What was emitted of messages that are settled takes effect; so does what was of none, if the
  // call went well.
  std::vector<Made> end_call(std::uint64_t ticket, const Answer& answer) {
    const std::lock_guard lock(mutex_);
    caller_ = {};
    auto effect = committed(answer);
    if (ticket != 0) {
      note_taken(ticket, answer);
      current_ = 0;
    }
    pending_.clear();
    emitted.insert(emitted.end(), effect.begin(), effect.end());
    return effect;
  }
  // ---- around a poll, by the source
  void begin_poll(std::size_t credit) {
    const std::lock_guard lock(mutex_);
    caller_ = std::this_thread::get_id();
    credit_ = credit;
    refused = 0;
    put_.clear();
    new_resume_ = resume;
  }
  std::vector<Put> end_poll() {
    const std::lock_guard lock(mutex_);
    caller_ = {};
    credit_ = 0;
    resume = new_resume_;
    accepted.insert(accepted.end(), put_.begin(), put_.end());
    return std::exchange(put_, {});
  }

  // What is still taken would be redelivered with another ticket.
  void forget_tickets() {
    const std::lock_guard lock(mutex_);
    open_.clear();
  }

 private:
  // `early`: settled before the handle that takes it has returned.
  enum class State { handled, taken, early, settled };
  struct Open {
    std::vector<std::uint64_t> sequences;
    std::vector<Pairs> meta;
    std::vector<State> states;
    std::map<std::size_t, Settled> early;
  };

  static Host& of(void* self) { return *static_cast<Host*>(self); }

  std::vector<Made> committed(const Answer& answer) const {
    std::vector<Made> effect;
    for (const auto& made : pending_) {
      const bool is_settled =
          made.of == STANDPIPE_OF_NONE
              ? answer.ok()
              : made.of < answer.settled && answer.outcomes[made.of] != STANDPIPE_RETRY;
      if (is_settled) effect.push_back(made);
    }
    return effect;
  }
  void note_taken(std::uint64_t ticket, const Answer& answer) {
    auto& batch = open_[ticket];
    bool is_waited_for = false;
    for (std::size_t i = 0; i < batch.states.size(); ++i) {
      const bool is_taken = i < answer.outcomes.size() && answer.outcomes[i] == STANDPIPE_TAKEN;
      const auto early = batch.early.find(i);
      if (early != batch.early.end() && !is_taken) ++ignored;
      if (early != batch.early.end() && is_taken) settlements.push_back(early->second);
      batch.states[i] = is_taken && early == batch.early.end() ? State::taken : State::settled;
      is_waited_for = is_waited_for || batch.states[i] == State::taken;
    }
    if (!is_waited_for) open_.erase(ticket);
    changed_.notify_all();
  }

  static void on_log(void* self, std::uint32_t level, standpipe_string text) {
    constexpr const char* kNames[] = {"?", "error", "warning", "info", "debug"};
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    host.reported.push_back(std::string(kNames[level < 5 ? level : 0]) + ": " +
                            std::string(standpipe::detail::view(text)));
  }
  static const void* on_extension(void* self, standpipe_string id) {
    auto& host = of(self);
    const auto name = standpipe::detail::view(id);
    if (name == STANDPIPE_OUTPUT_EXTENSION) return host.has_outputs ? &host.output_ : nullptr;
    if (name == STANDPIPE_SETTLE_EXTENSION) return host.has_settle ? &host.settle_ : nullptr;
    if (name == STANDPIPE_EMIT_EXTENSION) return host.has_emit ? &host.emit_ : nullptr;
    if (name == STANDPIPE_ACCEPT_EXTENSION) return host.has_accept ? &host.accept_ : nullptr;
    return nullptr;
  }

  static void on_wake(void* self) {
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    ++host.woken;
    host.changed_.notify_all();
  }

  static std::uint32_t on_add_fifo(void* self, const standpipe_fifo_output* fifo,
                                   standpipe_reason* reason) {
    auto& host = of(self);
    if (!host.fifo_refusal.empty()) {
      standpipe::detail::write_reason(reason, host.fifo_refusal);
      return 0;
    }
    const bool has_mode =
        STANDPIPE_HAS(fifo, standpipe_fifo_output, mode_given) && fifo->mode_given != 0;
    host.fifos.push_back({std::string(standpipe::detail::view(fifo->path)), fifo->mode,
                          fifo->create, fifo->on_reader_death, has_mode});
    return static_cast<std::uint32_t>(host.fifos.size());
  }
  static std::uint32_t on_send_all(void* self, std::uint32_t output) {
    of(self).all_to = output;
    return 1;
  }
  static std::uint32_t on_add_file(void* self, const standpipe_file_output* file,
                                   standpipe_reason*) {
    of(self).files.push_back(
        {file->fd, std::string(standpipe::detail::view(file->path)), file->sync});
    return 1;
  }
  static std::uint32_t on_send_all_until(void* self, std::uint32_t, std::uint64_t bytes,
                                         std::uint64_t time) {
    if (of(self).files.empty()) return 0;
    auto& file = of(self).files.back();
    file.bytes = bytes;
    file.time = time;
    file.all = true;
    return 1;
  }

  static void on_settle(void* self, std::uint64_t ticket, std::uint32_t first, std::uint32_t count,
                        std::uint32_t outcome, standpipe_string why) {
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    const auto found = host.open_.find(ticket);
    if (found == host.open_.end() || outcome > STANDPIPE_FILTERED) {
      ++host.ignored;
      return;
    }
    auto& batch = found->second;
    for (std::size_t i = first; i < std::size_t{first} + count; ++i)
      host.settle_one(batch, i,
                      {ticket, i < batch.sequences.size() ? batch.sequences[i] : 0, outcome,
                       std::string(standpipe::detail::view(why))});
    host.changed_.notify_all();
  }
  void settle_one(Open& batch, std::size_t i, Settled settled) {
    const bool is_early =
        i < batch.states.size() && settled.ticket == current_ && batch.states[i] == State::handled;
    if (is_early) {
      batch.early.emplace(i, std::move(settled));
      batch.states[i] = State::early;
    } else if (i < batch.states.size() && batch.states[i] == State::taken) {
      batch.states[i] = State::settled;
      settlements.push_back(std::move(settled));
    } else {
      ++ignored;
    }
  }

  static std::string payload_of(const standpipe_out& out) {
    if (out.bytes == 0) return {};
    return std::string(reinterpret_cast<const char*>(out.data), out.bytes);
  }
  static Pairs meta_of(const standpipe_out& out) {
    Pairs pairs;
    for (std::uint32_t i = 0; i < out.meta_count; ++i)
      pairs.emplace_back(standpipe::detail::view(out.meta[i].name),
                         standpipe::detail::view(out.meta[i].value));
    return pairs;
  }

  // What is emitted inherits the metadata of the message that it is made of; its own replaces what
  // has the same name.
  static Pairs inherited(const Pairs& from, const Pairs& own) {
    Pairs all;
    for (const auto& pair : from) {
      const bool is_replaced = std::any_of(
          own.begin(), own.end(), [&](const auto& other) { return other.first == pair.first; });
      if (!is_replaced) all.push_back(pair);
    }
    all.insert(all.end(), own.begin(), own.end());
    return all;
  }

  // false: it is refused.
  bool is_in_call(const char* what) {
    if (caller_ == std::this_thread::get_id()) return true;
    ++outside;
    reported.push_back(std::string("error: it ") + what + ", or in another thread than the call's");
    return false;
  }

  static std::uint32_t on_put(void* self, const standpipe_out* out, std::uint64_t* sequence) {
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    if (!host.is_in_call("puts a message outside of poll")) return STANDPIPE_PUT_FULL;
    if (out->bytes > host.emit_bytes_max) return STANDPIPE_PUT_TOO_LARGE;
    if (host.put_.size() >= host.credit_) {
      ++host.refused;
      return STANDPIPE_PUT_FULL;
    }
    host.put_.push_back({payload_of(*out), meta_of(*out), ++host.put_sequence_});
    if (sequence) *sequence = host.put_sequence_;
    return STANDPIPE_PUT_OK;
  }
  static void on_resume(void* self, standpipe_string text) {
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    if (!host.is_in_call("says where to go on outside of poll")) return;
    if (text.size > STANDPIPE_RESUME_BYTES_MAX)
      host.reported.push_back("error: a resume text of " + std::to_string(text.size) +
                              " bytes is too long");
    else
      host.new_resume_ = std::string(standpipe::detail::view(text));
  }

  static std::uint32_t on_emit(void* self, std::uint32_t of_message, const standpipe_out* out) {
    auto& host = of(self);
    const std::lock_guard lock(host.mutex_);
    if (!host.is_in_call("emits outside of handle and tick")) return STANDPIPE_PUT_FULL;
    if (out->bytes > host.emit_bytes_max) return STANDPIPE_PUT_TOO_LARGE;
    if (host.emit_room == 0) return STANDPIPE_PUT_FULL;
    --host.emit_room;
    Made made{payload_of(*out), meta_of(*out), of_message};
    const auto batch = host.open_.find(host.current_);
    if (batch != host.open_.end() && of_message < batch->second.sequences.size())
      made.of_sequence = batch->second.sequences[of_message];
    if (batch != host.open_.end() && of_message < batch->second.meta.size())
      made.meta = inherited(batch->second.meta[of_message], made.meta);
    host.pending_.push_back(std::move(made));
    return STANDPIPE_PUT_OK;
  }

  Shape shape_;
  Region host_;
  standpipe_output output_{sizeof output_, 0,           on_add_fifo,
                           on_send_all,    on_add_file, on_send_all_until};
  standpipe_settle settle_{sizeof settle_, 0, on_settle, on_wake};
  standpipe_emit emit_{sizeof emit_, 0, on_emit};
  standpipe_accept accept_{sizeof accept_, 0, on_put, on_resume};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Open> open_;  // by ticket
  std::uint64_t current_ = 0;           // the ticket of the call that runs
  std::thread::id caller_;              // of the call that may make messages; none: nobody's
  std::vector<Made> pending_;
  std::vector<Put> put_;  // in the poll that runs
  std::size_t credit_ = 0;
  std::uint64_t put_sequence_ = 0;
  std::string new_resume_;
};

}  // namespace standpipe::testing
