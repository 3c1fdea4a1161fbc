// SPDX-License-Identifier: Apache-2.0
#include "worker/replay.h"

#include <standpipe/wire.h>

#include <algorithm>
#include <cstring>

#include "base/invariant.h"
#include "log/meta_block.h"

namespace standpipe::worker {
namespace {

constexpr std::uint64_t kToHandler[] = {1};
constexpr std::uint32_t kNotMatched = 0;  // it goes to who refused it, whatever routes say

constexpr const char *kState = "replay/", *kLetters = "replay-letters/";

std::string replay_record(const char* kind, const std::string& source, const std::string& handler) {
  return kind + state::delivery_name(source, handler);
}

std::size_t replay_log(const state::Memory& memory, std::uint32_t slot) {
  return memory.plan().logs + memory.plan().queues + slot;
}

std::size_t frame_bytes(const deliver::LetterSelection::Letter& letter) {
  return STANDPIPE_WIRE_HEADER_BYTES + letter.payload.size();
}

void put_frame(std::span<std::byte> room, const std::string& payload) {
  standpipe_wire_put_length(reinterpret_cast<std::uint8_t*>(room.data()),
                            static_cast<std::uint32_t>(payload.size()));
  std::memcpy(room.data() + STANDPIPE_WIRE_HEADER_BYTES, payload.data(), payload.size());
}

}  // namespace

Replay::Replay(ReplayOptions options, log::Arena& arena, std::uint64_t number, Count count)
    : options_(std::move(options)),
      memory_(arena.memory()),
      state_(memory_, replay_record(kState, options_.source, options_.handler)),
      letters_(reinterpret_cast<std::uint64_t*>(
          memory_
              .record(replay_record(kLetters, options_.source, options_.handler),
                      kReplayWindow * sizeof(std::uint64_t))
              .data())),
      log_(arena, {.id = replay_log(memory_, options_.slot),
                   .size_max = kReplayLogBytes,
                   .readers = 1,
                   .first_sequence =
                       deliver::kReplayedSequences + number * deliver::kReplayedStretch + 1}),
      made_(std::make_unique<deliver::Delivery>(options_.source, options_.handler,
                                                delivery_id(memory_, options_.slot), log_, 0,
                                                deliver::Delivery::Of::replay)),
      delivery_(made_.get()),
      count_(std::move(count)) {
  if (state_->next == 0) {  // new
    auto& state = state_.edit();
    state.next = state.left = log_.end().sequence.number;
  }
  delivery_->set_replay();
  memory_.commit();
}

bool Replay::is_over(const state::Memory& memory, const std::string& source,
                     const std::string& handler) {
  const auto bytes = memory.find(replay_record(kState, source, handler));
  if (bytes.empty()) return true;
  if (bytes.size() != sizeof(State)) throw state::Damaged("a replay's record has another size");
  const auto& state = *reinterpret_cast<const State*>(bytes.data());
  return state.left == state.next &&
         deliver::Delivery::is_settled(memory, source, handler, deliver::Delivery::Of::replay);
}

void Replay::rename(state::Memory& memory, const std::string& from, const std::string& to,
                    const std::string& handler) {
  for (const auto* kind : {kState, kLetters})
    if (const auto record = replay_record(kind, from, handler); memory.has_record(record))
      memory.rename_record(record, replay_record(kind, to, handler));
  deliver::Delivery::rename(memory, from, to, handler, deliver::Delivery::Of::replay);
}

bool Replay::remove(state::Memory& memory, state::Directory& directory, const std::string& source,
                    const std::string& handler) {
  const auto name = state::delivery_name(source, handler);
  const auto slot = directory.find(state::Kind::replay, name);
  if (!slot) return true;
  const auto id = replay_log(memory, *slot);
  if (!log::Log::is_empty(memory, id)) return false;
  log::Log::remove(memory, id);
  deliver::Delivery::remove(memory, source, handler, deliver::Delivery::Of::replay);
  for (const auto* kind : {kState, kLetters})
    if (const auto record = replay_record(kind, source, handler); memory.has_record(record))
      memory.remove_record(record);
  directory.remove(state::Kind::replay, name);
  return true;
}

void Replay::recover() {
  if (log_.incomplete_bytes() > 0) log_.drop_incomplete();
  memory_.commit();
}

void Replay::begin_counting() {
  auto& state = state_.edit();
  state.delivered = delivery_->tally().delivered + delivery_->tally().filtered;
  state.refused = delivery_->tally().dead_lettered;
}

std::uint64_t Replay::delivered() const {
  return delivery_->tally().delivered + delivery_->tally().filtered - state_->delivered;
}

std::uint64_t Replay::refused() const { return delivery_->tally().dead_lettered - state_->refused; }

// ---- letters -> log

std::size_t Replay::window() const {
  return kReplayWindow - static_cast<std::size_t>(log_.end().sequence.number - state_->left);
}

std::size_t Replay::feed(std::span<const Letter> letters, std::size_t most,
                         std::uint64_t accepted_ns) {
  std::size_t fed = 0;
  while (fed < letters.size() && fed < most && window() > 0) {
    const auto rest = letters.subspan(fed);
    const auto n = rest.front().fields.empty()
                       ? feed_run(rest, std::min(most - fed, window()), accepted_ns)
                       : std::size_t{feed_described(rest.front(), accepted_ns)};
    if (n == 0) break;
    fed += n;
  }
  return fed;
}

// As many as lie together. 0: there is no room now; nothing was done.
std::size_t Replay::feed_run(std::span<const Letter> letters, std::size_t most,
                             std::uint64_t time_ns) {
  const auto room = log_.room(frame_bytes(letters.front()));
  std::size_t bytes = 0, count = 0;
  while (count < std::min(letters.size(), most) && letters[count].fields.empty() &&
         bytes + frame_bytes(letters[count]) <= room.size()) {
    put_frame(room.subspan(bytes), letters[count].payload);
    bytes += frame_bytes(letters[count]);
    ++count;
  }
  if (count == 0) return 0;
  const auto first = log_.end().sequence.number;
  log_.filled(bytes);
  while (
      !log_.add_run(bytes, static_cast<std::uint32_t>(count), time_ns, kNotMatched, kToHandler)) {
    if (log_.make_room_for_index()) continue;
    log_.drop_incomplete();
    return 0;
  }
  note_fed(letters.first(count), first, static_cast<std::int64_t>(bytes));
  return count;
}

// A message with metadata, and that before it. false: there is no room now.
bool Replay::feed_described(const Letter& letter, std::uint64_t time_ns) {
  log::MetaBlockWriter block;
  block.add_fields(std::as_bytes(std::span(letter.fields)));
  block.end_message();
  const auto bytes = frame_bytes(letter);
  const auto room = log_.add_block(block.finish(), bytes, block.count());
  if (room.empty()) return false;
  const auto first = log_.end().sequence.number;
  put_frame(room, letter.payload);
  log_.filled(bytes);
  const bool is_added = log_.add_run(bytes, 1, time_ns, kNotMatched, kToHandler);
  INVARIANT(is_added, bytes);  // add_block made room for its index, too
  note_fed({&letter, 1}, first, static_cast<std::int64_t>(bytes));
  return true;
}

// They are in the log, in the account, and known by their letters, in one commit.
void Replay::note_fed(std::span<const Letter> letters, std::uint64_t first, std::int64_t bytes) {
  for (std::size_t i = 0; i < letters.size(); ++i) letter(first + i).edit() = letters[i].identity;
  state_.edit().next = first + letters.size();
  delivery_->edit_tally().matched += letters.size();
  count_(static_cast<std::int64_t>(letters.size()), bytes);
  memory_.commit();
}

std::uint64_t Replay::withdraw() {
  std::int64_t bytes = 0;
  const auto count = delivery_->withdraw([&](log::Cursor begin, log::Cursor end) {
    for (auto n = begin.sequence.number; n < end.sequence.number; ++n) letter(n).edit() = 0;
    for (auto at = begin; at < end;) {
      const auto piece = log_.read(at, 0);
      if (!piece || !(piece->begin < end)) break;
      const auto until = std::min(piece->end, end);
      bytes += static_cast<std::int64_t>(until.position - piece->begin.position);
      at = until;
    }
  });
  if (count > 0) count_(-static_cast<std::int64_t>(count), -bytes);
  memory_.commit();
  return count;
}

// ---- what the handler is through with

void Replay::trim() {
  delivery_->skip_unwanted();
  if (const auto lowest = delivery_->settled(); lowest != log_.trimmed()) log_.trim(lowest);
  memory_.commit();
}

// What was dropped has gone nowhere, so its letter stays, and so do those that were settled with
// it.
Replay::Passed Replay::passed() {
  Passed passed{.letters = {}, .until = delivery_->settled().sequence.number};
  const bool has_dropped = delivery_->tally().dropped_sum() != state_->dropped;
  for (auto n = state_->left; n < passed.until; ++n)
    if (const auto identity = *letter(n); identity != 0 && !has_dropped)
      passed.letters.push_back(identity);
  return passed;
}

void Replay::gone(const Passed& passed) {
  auto& state = state_.edit();
  state.left = std::max(state.left, passed.until);
  state.dropped = delivery_->tally().dropped_sum();
  memory_.commit();
}

std::uint64_t Replay::in_hand() const {
  return delivery_->tally().matched - delivery_->tally().settled();
}

std::unordered_set<std::uint64_t> Replay::open_letters() const {
  std::unordered_set<std::uint64_t> open;
  for (auto n = state_->left; n < log_.end().sequence.number; ++n)
    if (*letter(n) != 0) open.insert(*letter(n));
  return open;
}

void Replay::check_invariants() const {
  log_.check_invariants();
  const auto end = log_.end().sequence.number;
  INVARIANT(state_->next == end, options_.source, options_.handler, state_->next, end);
  INVARIANT(state_->left <= end && end - state_->left <= kReplayWindow, options_.source,
            options_.handler, state_->left, end);
}

}  // namespace standpipe::worker
