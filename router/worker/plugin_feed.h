// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "deliver/message_sink.h"
#include "frame/codec.h"
#include "log/meta_block.h"
#include "log/position.h"
#include "state/memory.h"
#include "worker/feed.h"
#include "worker/intake.h"
#include "worker/rate_limit.h"

namespace standpipe::worker {

// Feeds what a plugin makes: a source plugin puts it, or a handler emits it. It does not come by
// turns: the loop of that handler appends it together with what its call brought, in one commit.
// Here a turn only finds out whether there is room again.
//
// Of a source plugin it keeps where that goes on (its resume text), in the commit of the messages
// before it; and it knows up to where all that the plugin put is safe, so that it may be told.
class PluginFeed final : public Feed, public deliver::MessageSink {
 public:
  // What a call may make usually: a segment's half, so that the log's front can go while its end
  // grows. A source that brings little is not given so much.
  static constexpr std::uint64_t kCreditBytes = 128 * KiB;
  static constexpr std::uint64_t kCreditBytesLeast = 8 * KiB;
  // And where memory is short: what any log has of its own.
  static constexpr std::uint32_t kMessagesLeast = 64;
  // Places to go on that are remembered until all messages before them are settled.
  static constexpr std::size_t kPlacesMax = 64;

  struct Options {
    bool is_source = false;           // a source plugin's; else a handler's
    bool is_safe_when_taken = false;  // `ack: accepted`
    std::uint64_t log_size_max = 0;
    std::string plugin = {};  // its name: another one's text means nothing to it
    std::string resume = {};  // what the file says
  };
  PluginFeed(Intake& intake, Options options, const Clock& clock);
  // Of the record that it has in the memory.
  static std::string record_of(const std::string& source) { return "made/" + source; }

  // Who makes the messages: `wake` has its handler look whether there is room, or news of what is
  // safe; `want_turn` has the source take a turn. `may_make`: what earlier runs left, which is
  // older, is fed. All must outlive it.
  struct Around {
    std::function<void()> wake, want_turn;
    std::function<bool()> may_make;
    RateLimit* rate = nullptr;  // of the source
  };
  void serve(Around around) { around_ = std::move(around); }

  // ---- Feed
  void recover(Intake&) override {}
  Turn feed(Intake& intake) override;
  void passed(log::Position trimmed) override;

  // ---- MessageSink
  std::optional<deliver::MakeCredit> room(std::uint64_t bytes) override;
  std::optional<Nanoseconds> ask_again() const override { return ask_again_; }
  void append(std::span<const deliver::MadeMessage> messages) override;
  void call_is_over() override;
  std::uint64_t message_size_max() const override { return intake_.message_size_max(); }
  void keep_resume(std::string_view text) override;
  std::string resume() const override;
  std::uint64_t safe_until() const override;
  bool is_source() const { return options_.is_source; }

  // Where a next run goes on, if this one ended now and all that is not settled was lost.
  const std::string& settled_resume() const { return settled_resume_; }

 private:
  // What outlives the worker, of a source plugin.
  struct Resume {
    std::uint64_t is_kept;
    std::uint64_t after;  // the sequence of the next message
    std::uint64_t bytes;
    char plugin[72];
    char text[STANDPIPE_RESUME_BYTES_MAX];
  };
  struct Place {
    log::Sequence after;
    std::string text;
  };

  bool may_make() { return around_.may_make() && !intake_.limits().is_blocked(); }
  std::optional<deliver::MakeCredit> reserve(std::uint64_t bytes);
  std::optional<deliver::MakeCredit> reserve(std::uint64_t bytes, std::uint32_t messages);
  std::uint64_t usual_bytes() const;
  bool is_of_this_plugin() const;
  std::uint32_t messages_now();
  void note_place(log::Sequence after, std::string_view text);

  Intake& intake_;
  Options options_;
  const Clock& clock_;
  Around around_;
  Resume* record_ = nullptr;  // nullptr: a handler's, which needs none
  bool waits_ = false;        // there was no room
  bool is_in_call_ = false;   // what was reserved is a call's
  std::optional<Nanoseconds> ask_again_;
  std::uint64_t credit_bytes_ = kCreditBytesLeast;  // of a source plugin
  log::Sequence safe_;                              // after the last message that is settled
  std::deque<Place> places_;                        // in order
  std::string settled_resume_;
};

}  // namespace standpipe::worker
