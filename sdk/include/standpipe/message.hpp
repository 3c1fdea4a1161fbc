// SPDX-License-Identifier: Apache-2.0
//
// standpipe/message.hpp: what a handler is given: messages, one by one or in batches; and metadata
// of what it makes. Part of plugin.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
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

inline standpipe_out out(std::string_view payload, std::span<const standpipe_pair> meta) {
  return {sizeof(standpipe_out), static_cast<std::uint32_t>(meta.size()),
          reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size(), meta.data()};
}
}  // namespace detail

// Messages that a handler settles later. A small value: copy it, and keep it until then.
struct Taken {
  std::uint64_t ticket = 0;
  std::uint32_t first = 0, count = 0;
};

// One piece of metadata that a plugin gives to a message which it makes. It borrows both texts.
struct Pair : standpipe_pair {
  Pair(std::string_view its_name, std::string_view its_value)
      : standpipe_pair{detail::abi(its_name), detail::abi(its_value)} {}
};
static_assert(sizeof(Pair) == sizeof(standpipe_pair), "rows of one are rows of the other");

// All metadata of such a message, borrowed: {{"device", id}, {"kind", "alarm"}}, a vector of Pair,
// or what Message::metadata() returns. At most STANDPIPE_META_PAIRS_MAX pairs, names of at most
// STANDPIPE_META_NAME_MAX bytes, and STANDPIPE_META_BYTES_MAX bytes in all.
class Meta {
 public:
  Meta() = default;
  Meta(std::initializer_list<Pair> pairs) : Meta(pairs.begin(), pairs.size()) {}
  template <class Pairs>
  requires std::convertible_to<const Pairs&, std::span<const Pair>> Meta(const Pairs& pairs)
      : Meta(std::data(pairs), std::size(pairs)) {}
  Meta(std::span<const standpipe_pair> pairs) : pairs_(pairs) {}

  std::span<const standpipe_pair> pairs() const { return pairs_; }
  std::size_t bytes() const {  // names and values together
    std::size_t sum = 0;
    for (const auto& pair : pairs_) sum += pair.name.size + pair.value.size;
    return sum;
  }

 private:
  Meta(const Pair* first, std::size_t count)
      : pairs_(static_cast<const standpipe_pair*>(first), count) {}
  std::span<const standpipe_pair> pairs_;
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
  // What its source says of all of its messages, such as a topic or queue that it reads.
  std::span<const standpipe_pair> source_metadata() const {
    if (!STANDPIPE_HAS(batch_, standpipe_batch, source_meta_count)) return {};
    return {batch_->source_meta, batch_->source_meta_count};
  }
  // Its place in the batch, from 0.
  std::uint32_t index() const {
    const auto bytes =
        reinterpret_cast<const char*>(m_) - reinterpret_cast<const char*>(batch_->messages);
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(bytes) / batch_->stride);
  }
  // What Host::settle takes for this message, if handle returns Outcome::taken for it.
  Taken taken() const {
    if (!STANDPIPE_HAS(batch_, standpipe_batch, ticket)) return {};
    return {batch_->ticket, index(), 1};
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
