// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "deliver/handler_loop.h"

namespace test {

using namespace standpipe;

class ManualClock final : public Clock {
 public:
  Nanoseconds steady() const override { return now; }
  Nanoseconds wall() const override { return now; }
  Nanoseconds now{std::chrono::seconds(1)};
};

class Quiet final : public Reporter {
 public:
  void say(const Diagnostic& d) override { said.push_back(d.message); }
  std::vector<std::string> said;
};

// What a plugin throws at the test instead of ending the process: nothing on the way may catch it.
struct Died {};

// A plugin inside the test: what it answers to each call is written down beforehand; what it was given is written down by it.
//   D delivered, R retry, J reject, F filtered, S send; a script shorter than its batch leaves the rest unlooked at; "X..."
//   disconnects after those; "...!" dies behind those; a call without a script delivers all, but dies at what is poison.
class Scripted {
 public:
  Scripted() {
    handler_ = {sizeof handler_, STANDPIPE_INLINE, create, open, handle, nullptr, close, destroy, nullptr};
    abi_.size = sizeof abi_;
    abi_.abi_major = STANDPIPE_ABI_MAJOR;
    abi_.handler = &handler_;
    plugin.name = "scripted";
    plugin.abi = &abi_;
    current() = this;
  }
  std::deque<std::string> script;
  std::string reason;              // that it gives with each answer
  std::set<std::uint64_t> poison;  // sequences
  bool tells = false;              // which message it is at
  std::vector<std::string> seen;   // "1,2,3 a1" for each call
  std::function<void(const standpipe_host&)> on_open = [](const auto&) {};
  std::function<void()> on_close = [] {}, on_create = [] {};
  plugin::Plugin plugin;

 private:
  static Scripted*& current() {
    static Scripted* it = nullptr;
    return it;
  }
  static std::uint32_t create(const standpipe_host* host, const standpipe_config*, void** self, standpipe_reason*) {
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
  static void close(void* self) { static_cast<Scripted*>(self)->on_close(); }
  static void destroy(void*) {}
  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) {
    auto& it = *static_cast<Scripted*>(self);
    std::string numbers;
    for (std::uint32_t i = 0; i < batch->count; ++i) numbers += (i ? "," : "") + std::to_string(batch->messages[i].sequence);
    it.seen.push_back(numbers + " a" + std::to_string(batch->attempt));
    if (it.script.empty()) return it.handle_all(*batch, *result);
    auto answer = it.script.front();
    it.script.pop_front();
    const bool dies = answer.ends_with('!');
    if (dies) answer.pop_back();
    const bool disconnects = answer.starts_with('X');
    if (disconnects) answer.erase(0, 1);
    answer.resize(std::min<std::size_t>(answer.size(), batch->count));
    constexpr std::string_view kLetters = "DRJFS";
    for (std::size_t i = 0; i < answer.size(); ++i) result->outcomes[i] = static_cast<std::uint8_t>(kLetters.find(answer[i]));
    result->output = 1;
    it.reason.copy(result->reason->text, sizeof result->reason->text);
    result->reason->length = static_cast<std::uint32_t>(it.reason.size());
    if (it.tells || (answer.size() < batch->count && !dies)) result->at = static_cast<std::uint32_t>(answer.size());
    if (dies) throw Died{};
    return disconnects ? STANDPIPE_DISCONNECTED : STANDPIPE_OK;
  }
  std::uint32_t handle_all(const standpipe_batch& batch, standpipe_result& result) const {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      if (tells) result.at = i;
      if (poison.contains(batch.messages[i].sequence)) throw Died{};
    }
    if (tells) result.at = batch.count;
    return STANDPIPE_OK;
  }

  const standpipe_host* host_ = nullptr;
  standpipe_handler handler_{};
  standpipe_plugin abi_{};
};

}  // namespace test
