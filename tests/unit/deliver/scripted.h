// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "deliver/handler_loop.h"

namespace test {

using namespace standpipe;

class ManualClock final : public Clock {
 public:
  Nanoseconds steady() const override { return now; }
  Nanoseconds wall() const override { return now + (jumps = -jumps); }
  Nanoseconds now{std::chrono::seconds(1)};
  mutable Nanoseconds jumps{
      0};  // the wall's clock is set to and fro, each time that somebody looks at it
};

class Quiet final : public Reporter {
 public:
  void say(const Diagnostic& d) override { reported.push_back(d.message); }
  std::vector<std::string> reported;
};

// What a plugin does in open to have an output. Returns its number; 0: refused.
inline std::uint32_t add_fifo(const standpipe_host& host, const std::string& path) {
  const auto* power = static_cast<const standpipe_output*>(host.extension(
      host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
  standpipe_fifo_output fifo{};
  fifo.size = sizeof fifo;
  fifo.path = {path.data(), path.size()};
  return power->add_fifo(host.self, &fifo, nullptr);
}

// What a plugin throws at the test instead of ending the process: nothing on the way may catch it.
struct Died {};

// A plugin that is compiled into the test, of these functions.
class PluginInside {
 public:
  PluginInside(const char* name, const standpipe_handler& functions) : handler_(functions) {
    abi_.size = sizeof abi_;
    abi_.abi_major = STANDPIPE_ABI_MAJOR;
    abi_.abi_minor = STANDPIPE_ABI_MINOR;
    abi_.handler = &handler_;
    plugin.name = name;
    plugin.abi = &abi_;
  }
  PluginInside(const PluginInside&) = delete;
  PluginInside& operator=(const PluginInside&) = delete;
  plugin::Plugin plugin;
  void ticks_by(decltype(standpipe_handler::tick) tick) { handler_.tick = tick; }
  void needs_minor(std::uint16_t minor) { abi_.abi_minor = minor; }

 protected:
  static const standpipe_message& message(const standpipe_batch& batch, std::size_t i) {
    const auto* at = reinterpret_cast<const char*>(batch.messages) + i * batch.stride;
    return *reinterpret_cast<const standpipe_message*>(at);
  }

 private:
  standpipe_handler handler_;
  standpipe_plugin abi_{};
};

// A plugin inside the test: what it answers to each call is written down beforehand; what it was
// given is written down by it.
//   D delivered, R retry, J reject, F filtered, S send, T taken; a script shorter than its batch
//   leaves the rest unprocessed; "X..." disconnects after those; "...!" dies after those; a call
//   without a script delivers all, but dies at what is poison.
class Scripted : public PluginInside {
 public:
  Scripted()
      : PluginInside("scripted", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                                  flush, close, destroy, reopen, nullptr}) {
    current() = this;
  }
  std::deque<std::string> script;
  std::string reason;                  // that it gives with each answer
  std::set<std::uint64_t> poison;      // sequences
  bool reports_progress = false;       // which message it is at
  std::vector<std::string> seen;       // "1,2,3 a1" for each call
  std::vector<std::uint64_t> tickets;  // of each call
  // Of messages that it took, by their numbers in that call.
  void settle(std::size_t call, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
              const std::string& why = "") const {
    const auto* power = static_cast<const standpipe_settle*>(host_->extension(
        host_->self, {STANDPIPE_SETTLE_EXTENSION, sizeof STANDPIPE_SETTLE_EXTENSION - 1}));
    power->settle(host_->self, tickets.at(call), first, count, outcome, {why.data(), why.size()});
  }
  void wake() const {
    const auto* power = static_cast<const standpipe_settle*>(host_->extension(
        host_->self, {STANDPIPE_SETTLE_EXTENSION, sizeof STANDPIPE_SETTLE_EXTENSION - 1}));
    power->wake(host_->self);
  }
  std::function<void(const standpipe_host&)> on_open = [](const auto&) {};
  using Tick = std::function<std::uint32_t(std::uint64_t now, std::uint64_t& next)>;
  void ticks(Tick on_tick) {
    on_tick_ = std::move(on_tick);
    ticks_by(tick);
  }
  std::map<std::uint32_t, std::string> notes;  // reasons of messages, at each call
  std::function<void()> on_close = [] {}, on_create = [] {}, on_reopen = [] {}, on_flush = [] {},
                        on_handle = [] {};

 private:
  static Scripted*& current() {
    static Scripted* it = nullptr;
    return it;
  }
  static std::uint32_t create(const standpipe_host* host, const standpipe_config*, void** self,
                              standpipe_reason*) {
    current()->on_create();
    current()->host_ = host;
    *self = current();
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void* self, standpipe_reason*) {
    auto& it = *static_cast<Scripted*>(self);
    it.on_open(*it.host_);
    return STANDPIPE_OK;
  }
  static std::uint32_t reopen(void* self, standpipe_reason*) {
    static_cast<Scripted*>(self)->on_reopen();
    return STANDPIPE_OK;
  }
  static std::uint32_t flush(void* self, std::uint64_t, standpipe_reason*) {
    static_cast<Scripted*>(self)->on_flush();
    return STANDPIPE_OK;
  }
  static std::uint32_t tick(void* self, std::uint64_t now, std::uint64_t* next, standpipe_reason*) {
    auto& it = *static_cast<Scripted*>(self);
    return it.on_tick_(now, *next);
  }
  static void close(void* self) { static_cast<Scripted*>(self)->on_close(); }
  static void destroy(void*) {}
  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
    auto& it = *static_cast<Scripted*>(self);
    std::string numbers;
    for (std::uint32_t i = 0; i < batch->count; ++i)
      numbers += (i ? "," : "") + std::to_string(message(*batch, i).sequence);
    it.tickets.push_back(batch->ticket);
    it.seen.push_back(numbers + " a" + std::to_string(batch->attempt));
    it.on_handle();
    if (it.script.empty()) return it.handle_all(*batch, *result);
    auto answer = it.script.front();
    it.script.pop_front();
    const bool dies = answer.ends_with('!');
    if (dies) answer.pop_back();
    const bool disconnects = answer.starts_with('X');
    if (disconnects) answer.erase(0, 1);
    answer.resize(std::min<std::size_t>(answer.size(), batch->count));
    constexpr std::string_view kLetters = "DRJFST";
    for (std::size_t i = 0; i < answer.size(); ++i)
      result->outcomes[i] = static_cast<std::uint8_t>(kLetters.find(answer[i]));
    for (const auto& [i, why] : it.notes) {
      auto& note = result->notes[result->note_count++];
      note.message = i;
      note.length = static_cast<std::uint32_t>(why.copy(note.text, sizeof note.text));
    }
    result->output = 1;
    it.reason.copy(result->reason->text, sizeof result->reason->text);
    result->reason->length = static_cast<std::uint32_t>(it.reason.size());
    if (it.reports_progress || (answer.size() < batch->count && !dies))
      result->at = static_cast<std::uint32_t>(answer.size());
    if (dies) throw Died{};
    return disconnects ? STANDPIPE_DISCONNECTED : STANDPIPE_OK;
  }
  std::uint32_t handle_all(const standpipe_batch& batch, standpipe_result& result) const {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      if (reports_progress) result.at = i;
      if (poison.contains(message(batch, i).sequence)) throw Died{};
    }
    if (reports_progress) result.at = batch.count;
    return STANDPIPE_OK;
  }

  Tick on_tick_;
  const standpipe_host* host_ = nullptr;
};

}  // namespace test
