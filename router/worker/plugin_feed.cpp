// SPDX-License-Identifier: Apache-2.0
#include "worker/plugin_feed.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/limits.h"

namespace standpipe::worker {

PluginFeed::PluginFeed(Intake& intake, Options options, const Clock& clock)
    : intake_(intake),
      options_(std::move(options)),
      clock_(clock),
      safe_(intake.log().trimmed().sequence) {
  if (!options_.is_source) return;
  settled_resume_ = options_.resume;
  auto& memory = intake_.memory();
  record_ =
      reinterpret_cast<Resume*>(memory.record(record_of(intake_.source()), sizeof(Resume)).data());
  if (record_->bytes > sizeof record_->text)
    throw state::Memory::Damaged("the place where a source goes on is too long");
  if (record_->is_kept != 0 && !is_of_this_plugin()) {
    memory.log_undo(record_, offsetof(Resume, text));
    record_->is_kept = record_->bytes = 0;
  }
  if (record_->is_kept == 0 && !options_.resume.empty()) keep_resume(options_.resume);
  if (record_->is_kept != 0) note_place({record_->after}, resume());
}

bool PluginFeed::is_of_this_plugin() const {
  const std::string_view name(record_->plugin, sizeof record_->plugin);
  return name.substr(0, name.find('\0')) == options_.plugin;
}

// ---- turns

// While a call is in progress it has its room, which stays.
Turn PluginFeed::feed(Intake&) {
  if (!waits_ || is_in_call_) return Turn::idle;
  if (!may_make() || !reserve(0)) return Turn::full;
  intake_.log().release();
  waits_ = false;
  around_.wake();
  return Turn::idle;
}

// The account of what is safe. A source plugin that is in a poll is told of it by its loop.
void PluginFeed::passed(log::Position) {
  const auto trimmed = intake_.log().trimmed().sequence;
  if (trimmed == safe_) return;
  safe_ = trimmed;
  while (!places_.empty() && places_.front().after <= safe_) {
    settled_resume_ = std::move(places_.front().text);
    places_.pop_front();
  }
  if (options_.is_source && !options_.is_safe_when_taken) around_.wake();
}

// ---- what a call makes

// Where memory is short, less than usual: what a log has of its own holds that. Where the log
// itself is full, it is trimmed sooner or later.
std::optional<deliver::MakeCredit> PluginFeed::reserve(std::uint64_t bytes) {
  const auto usual = usual_bytes();
  const auto most =
      std::clamp<std::uint64_t>(usual / 32, kMessagesLeast, deliver::MessageMaker::kMessagesMax);
  if (auto credit = reserve(std::max(bytes, usual), static_cast<std::uint32_t>(most)))
    return credit;
  if (!intake_.log().waits_for_arena()) return std::nullopt;
  return reserve(std::max(bytes, kCreditBytesLeast), kMessagesLeast);
}

std::optional<deliver::MakeCredit> PluginFeed::reserve(std::uint64_t bytes,
                                                       std::uint32_t messages) {
  const auto most = deliver::MakeCredit::bytes_max_for(intake_.message_size_max());
  bytes = std::min(bytes, most);
  if (!intake_.log().reserve(bytes, messages + 1)) return std::nullopt;
  return deliver::MakeCredit{.messages = messages,
                             .bytes = bytes,
                             .bytes_max = most,
                             .message_size_max = intake_.message_size_max(),
                             .next_sequence = intake_.log().end().sequence.number};
}

std::uint64_t PluginFeed::usual_bytes() const {
  const auto most = std::clamp(options_.log_size_max / 8, std::uint64_t{4 * KiB}, kCreditBytes);
  return options_.is_source ? std::min(credit_bytes_, most) : most;
}

std::optional<deliver::MakeCredit> PluginFeed::room(std::uint64_t bytes) {
  ask_again_.reset();
  const auto messages = messages_now();
  if (messages == 0) return std::nullopt;
  auto credit = may_make() ? reserve(bytes) : std::nullopt;
  if (!credit) {
    if (!std::exchange(waits_, true)) around_.want_turn();
    return std::nullopt;
  }
  waits_ = false;
  is_in_call_ = true;
  credit->messages = std::min(credit->messages, messages);
  return credit;
}

// 0: not before `ask_again_`.
std::uint32_t PluginFeed::messages_now() {
  constexpr auto kMost = deliver::MessageMaker::kMessagesMax;
  if (!around_.rate || !around_.rate->limits()) return kMost;
  ask_again_ = around_.rate->wait_until(clock_.steady());
  return ask_again_
             ? 0
             : static_cast<std::uint32_t>(std::min<std::uint64_t>(kMost, around_.rate->messages()));
}

void PluginFeed::append(std::span<const deliver::MadeMessage> messages) {
  intake_.append_made(messages, static_cast<std::uint64_t>(clock_.wall().count()));
  if (around_.rate) around_.rate->took(messages.size());
  // The next poll is given more where this one brought much.
  std::uint64_t bytes = 0;
  for (const auto& message : messages)
    bytes += deliver::MessageMaker::cost_of(message.payload.size(), message.fields.size());
  if (bytes >= credit_bytes_ / 2) credit_bytes_ = std::min(2 * credit_bytes_, kCreditBytes);
  around_.want_turn();
}

void PluginFeed::call_is_over() {
  is_in_call_ = false;
  intake_.log().release();
  around_.want_turn();  // what is empty goes back
}

// ---- where a source goes on

void PluginFeed::keep_resume(std::string_view text) {
  if (!record_) return;
  constexpr auto kHead = offsetof(Resume, text);
  const auto bytes = std::min(text.size(), sizeof record_->text);
  intake_.memory().log_undo(record_, kHead + std::max<std::size_t>(bytes, record_->bytes));
  record_->is_kept = 1;
  std::memset(record_->plugin, 0, sizeof record_->plugin);
  options_.plugin.copy(record_->plugin, sizeof record_->plugin - 1);
  record_->after = intake_.log().end().sequence.number;
  record_->bytes = text.copy(record_->text, sizeof record_->text);
  note_place({record_->after}, text);
}

std::string PluginFeed::resume() const {
  return record_ && record_->is_kept != 0 ? std::string(record_->text, record_->bytes)
                                          : std::string();
}

// Where many are waiting, one in between is forgotten: the places before and after it serve as
// well.
void PluginFeed::note_place(log::Sequence after, std::string_view text) {
  if (after <= safe_ || options_.is_safe_when_taken) {
    places_.clear();
    settled_resume_ = text;
    return;
  }
  if (!places_.empty() && places_.back().after == after) places_.pop_back();
  if (places_.size() >= kPlacesMax) places_.erase(places_.begin() + kPlacesMax / 2);
  places_.push_back({after, std::string(text)});
}

std::uint64_t PluginFeed::safe_until() const {
  const auto& log = intake_.log();
  const auto next = options_.is_safe_when_taken ? log.end().sequence : safe_;
  return next.number - 1;
}

}  // namespace standpipe::worker
