// SPDX-License-Identifier: Apache-2.0
//
// standpipe/message.hpp: what a handler is given: messages, one by one or in batches. Part of
// plugin.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace standpipe {

namespace detail {
// The host reads `at` after a crash, too. So what was done before this store must stay before it,
// and what is done after it must stay after it, though the compiler sees both sides and would
// remove a plain store that the next one overwrites. The processor needs no fence: only the death
// of this process matters.
inline void store_at(standpipe_result& result, std::uint32_t i) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(result.at).store(i, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The reason of one message. The host may read it after a crash, so it is counted when it is whole.
// false: there is no room for it.
inline bool add_note(standpipe_result& result, std::uint32_t i, std::string_view why) noexcept {
  if (!STANDPIPE_HAS(&result, standpipe_result, note_count)) return false;
  if (result.note_count >= result.note_room || why.empty()) return false;
  auto& note = result.notes[result.note_count];
  note.message = i;
  note.length = static_cast<std::uint32_t>(why.copy(note.text, sizeof note.text));
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(result.note_count).store(result.note_count + 1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return true;
}
}  // namespace detail

// Messages that a handler settles later. A small value: copy it, and keep it until then.
struct Taken {
  std::uint64_t ticket = 0;
  std::uint32_t first = 0, count = 0;
};

// One message, borrowed until handle returns.
class Message {
 public:
  Message(const standpipe_message& m, const standpipe_batch& batch) : m_(&m), batch_(&batch) {}
  std::string_view text() const {
    return m_->size ? std::string_view(reinterpret_cast<const char*>(m_->data), m_->size)
                    : std::string_view();
  }
  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(m_->data), m_->size};
  }
  std::size_t size() const { return m_->size; }
  // In its source, from 1: the same at each attempt.
  std::uint64_t sequence() const { return m_->sequence; }
  // When the router accepted it, since 1970.
  std::chrono::nanoseconds time() const { return std::chrono::nanoseconds(m_->time); }
  std::string_view source() const { return detail::view(batch_->source); }
  unsigned attempt() const { return batch_->attempt; }  // 1 at the first attempt
  // Its own metadata, in order; a name may occur several times. Borrowed as the message is.
  std::span<const standpipe_pair> metadata() const {
    if (!STANDPIPE_STRIDE_HAS(batch_->stride, standpipe_message, meta_count)) return {};
    return {m_->meta, m_->meta_count};
  }
  // What Host::settle takes for this message, if handle returns Outcome::taken for it.
  Taken taken() const {
    if (!STANDPIPE_HAS(batch_, standpipe_batch, ticket)) return {};
    const auto bytes =
        reinterpret_cast<const char*>(m_) - reinterpret_cast<const char*>(batch_->messages);
    return {batch_->ticket, static_cast<std::uint32_t>(bytes) / batch_->stride, 1};
  }
  // Metadata of that name: the message's own, or else what its source says of all its messages.
  // Where there are several, the last one counts.
  std::optional<std::string_view> meta(std::string_view name) const {
    if (STANDPIPE_STRIDE_HAS(batch_->stride, standpipe_message, meta_count))
      if (const auto own = last(m_->meta, m_->meta_count, name)) return own;
    if (!STANDPIPE_HAS(batch_, standpipe_batch, source_meta_count)) return std::nullopt;
    return last(batch_->source_meta, batch_->source_meta_count, name);
  }

 private:
  static std::optional<std::string_view> last(const standpipe_pair* pairs, std::uint32_t count,
                                              std::string_view name) {
    for (auto i = count; i > 0; --i)
      if (detail::view(pairs[i - 1].name) == name) return detail::view(pairs[i - 1].value);
    return std::nullopt;
  }

  const standpipe_message* m_;
  const standpipe_batch* batch_;
};

// Messages of one source, in order; never empty. A message is delivered unless `settle` said
// otherwise.
class Batch {
 public:
  Batch(const standpipe_batch& batch, standpipe_result& result)
      : batch_(&batch), result_(&result) {}
  std::size_t size() const { return batch_->count; }
  Message operator[](std::size_t i) const {
    const auto* base = reinterpret_cast<const char*>(batch_->messages);
    return {*reinterpret_cast<const standpipe_message*>(base + i * batch_->stride), *batch_};
  }
  std::string_view source() const { return detail::view(batch_->source); }
  unsigned attempt() const { return batch_->attempt; }

  void settle(std::size_t i, Outcome outcome) {
    result_->outcomes[i] = static_cast<std::uint8_t>(outcome);
  }
  // Why messages are retried or rejected that have no reason of their own: the last one counts.
  void reason(std::string_view why) { detail::write_reason(result_->reason, why); }
  // Why that one is. Where the router has no room for it, it is the reason of the batch.
  void reason(std::size_t i, std::string_view why) {
    if (!detail::add_note(*result_, static_cast<std::uint32_t>(i), why)) reason(why);
  }
  // Messages from i on were not handled: they are redelivered, and no attempt is counted. Call it
  // before throwing if those before i are done. Or call it before each message and with size() at
  // the end: then a crash is blamed on the right message.
  void stop_at(std::size_t i) { detail::store_at(*result_, static_cast<std::uint32_t>(i)); }
  // What Host::settle takes for `count` messages from `first` on, if they were settled as
  // Outcome::taken.
  Taken taken(std::size_t first, std::size_t count) const {
    if (!STANDPIPE_HAS(batch_, standpipe_batch, ticket)) return {};
    return {batch_->ticket, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)};
  }
  // The host sends all of these messages to the output (see Host::add_fifo).
  void send_all(std::uint32_t output) {
    std::memset(result_->outcomes, STANDPIPE_SEND, batch_->count);
    result_->output = output;
  }

 private:
  const standpipe_batch* batch_;
  standpipe_result* result_;
};

}  // namespace standpipe
