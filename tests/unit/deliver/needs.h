// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "deliver/handler_needs.h"
#include "metadata.h"
#include "scripted.h"

namespace test {

// A hub for one handler's loop: grants every call, keeps dead letters in a list and has the
// outputs that a test gives it. A test overrides what it wants otherwise.
class Needs : public deliver::Admission,
              public deliver::OutputOpener,
              public deliver::OpenOutputs,
              public deliver::DeadLetterSink,
              public deliver::SettlementObserver,
              public deliver::CompletionQueue {
 public:
  virtual ~Needs() = default;
  deliver::HandlerNeeds needs(const Clock& clock, state::Memory& memory) {
    return {.clock = clock,
            .reporter = quiet,
            .stopping = stopping,
            .memory = memory,
            .admission = *this,
            .opener = *this,
            .outputs = *this,
            .dead_letters = *this,
            .observer = *this,
            .completions = *this};
  }

  bool admit(deliver::HandlerLoop&, bool) override { return true; }
  void release() override {}
  deliver::Output* open(const plugin::FifoOutputRequest&, std::string& why) override {
    why = "no outputs here";
    return nullptr;
  }
  deliver::Output* open_file(const plugin::FileOutputRequest&, std::string& why) override {
    why = "no outputs here";
    return nullptr;
  }
  deliver::Output& output(std::uint32_t) override {
    throw state::Memory::Damaged("no outputs here");
  }
  void has_entries(deliver::Output&) override {}
  bool is_open() const override { return keeps_letters; }
  std::optional<Failure> write(std::span<const deliver::DeadLetter> letters) override {
    puts.push_back(letters.size());
    if (disk_is_full) return Failure("no space");
    for (const auto& l : letters) {
      dead_lettered.push_back(std::to_string(l.sequence) + ' ' + std::string(l.detail));
      metadata.push_back(fields_text(l.fields));
      routes.emplace_back(l.route);
    }
    return {};
  }
  void settled(deliver::Delivery&) override {}
  void push(deliver::HandlerLoop&) override {}

  Quiet quiet;
  std::atomic<bool> stopping{false};
  bool disk_is_full = false, keeps_letters = true;
  std::vector<std::string> dead_lettered;  // letters
  std::vector<std::string> metadata;       // of those
  std::vector<std::string> routes;         // and by which they came
  std::vector<std::size_t> puts;           // how many at once
};

}  // namespace test
