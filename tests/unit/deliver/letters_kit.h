// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"
#include "scripted.h"
#include "temporary_folder.h"

namespace test {

using namespace standpipe;

// Dead letters in a folder of their own. Verbs: put, crash (a successor in the same run), start
// (another run), all.
class LettersKit {
 public:
  LettersKit() {
    clock.now = SystemClock().wall();
    start(1);
  }
  void start(std::uint64_t run, deliver::DeadLetterLimits limits = {}) {
    run_ = run;
    letters_.emplace(folder.path(), run, quiet, limits, &clock);
  }
  deliver::DeadLetters& letters() { return *letters_; }
  void remove_old() { letters_->remove_old(); }
  std::uint64_t purge(const deliver::LetterFilter& filter) { return letters_->purge(filter); }
  std::uint64_t removed() { return letters_->take_removed(); }
  void crash() { start(run_); }
  std::string put(std::uint64_t sequence, std::string payload = "hello",
                  std::string_view handler = "billing") {
    deliver::DeadLetter letter{
        .source = "orders", .handler = handler, .plugin = "forward", .sequence = sequence};
    letter.dead_lettered_ns = static_cast<std::uint64_t>(clock.now.count());
    letter.payload = std::as_bytes(std::span(payload));
    return put(letter);
  }
  std::string put(const deliver::DeadLetter& letter) {
    const auto failure = letters_->put({&letter, 1});
    return failure ? std::string(failure->what()) + "; " + failure->help() : "";
  }
  std::optional<Failure> put_all(const std::vector<deliver::DeadLetter>& letters) {
    return letters_->put(letters);
  }
  // "orders/billing 7 hello" each.
  std::vector<std::string> all() const {
    std::vector<std::string> out;
    deliver::DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next()) {
      const std::string payload(reinterpret_cast<const char*>(letter->payload.data()),
                                letter->payload.size());
      out.push_back(std::string(letter->source) + '/' + std::string(letter->handler) + ' ' +
                    std::to_string(letter->sequence) + ' ' + payload);
    }
    return out;
  }

  TemporaryFolder folder;
  const std::string path = folder / "dead-letters.log";
  Quiet quiet;
  ManualClock clock;

 private:
  std::uint64_t run_ = 0;
  std::optional<deliver::DeadLetters> letters_;
};

}  // namespace test
