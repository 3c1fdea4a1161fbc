// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/loan.hpp: everything that a handler is lent for one call of handle. Part of
// testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing/message.hpp>
#include <standpipe/testing/region.hpp>
#include <standpipe/testing/shape.hpp>
#include <standpipe/text.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace standpipe::testing {

// How strict the kit is with memory that it lends.
enum class Lending {
  strict,     // read-only, ends at a page without access, and is inaccessible after the call
  guarded,    // ends at a page without access
  read_only,  // cannot be written to
  kept,       // is inaccessible after the call
  lenient     // none of these: writable, valid as long as the handler, and some bytes lie behind it
};

// A batch and its result, each piece in a region of its own. Up to kGuarded messages have a page
// without access behind each of them; of larger batches only the last one has.
class Loan {
 public:
  static constexpr std::size_t kGuarded = 256;
  static constexpr std::size_t kSlack = 64;  // behind each piece, where nothing guards it

  Loan(const std::vector<Message>& messages, const Feed& feed, std::uint64_t ticket, Shape shape,
       Lending lending)
      : count_(messages.size()), shape_(shape), lending_(lending) {
    rows_ = add(count_ * detail::row_bytes(shape), "the rows of messages");
    lend_payloads(messages);
    lend_batch(feed, ticket);
    const auto inputs = regions_.size();
    lend_result();
    if (lending == Lending::strict || lending == Lending::read_only)
      for (std::size_t i = 0; i < inputs; ++i) regions_[i].region.allow_no_writing();
  }

  const standpipe_batch* batch() const { return regions_[batch_].region.as<standpipe_batch>(); }
  standpipe_result* result() const { return regions_[result_].region.as<standpipe_result>(); }
  std::uint8_t* outcomes() const { return regions_[outcomes_].region.data(); }
  const standpipe_reason& reason() const {
    return *regions_[reason_].region.as<standpipe_reason>();
  }

  // The call has returned, and everything was read.
  void end() {
    is_over_ = true;
    if (lending_ == Lending::strict || lending_ == Lending::kept)
      for (const auto& piece : regions_) piece.region.take_back();
  }

  // What lies at an address, for whoever met a fault there; empty: nothing of this loan.
  std::string describe(const void* address) const {
    for (const auto& piece : regions_) {
      if (!piece.region.has(address)) continue;
      if (is_over_) return piece.name + ", which was lent for a call that has returned";
      return piece.region.is_beyond(address) ? "the memory behind " + piece.name
                                             : piece.name + ", which is borrowed";
    }
    return {};
  }

 private:
  struct Piece {
    Region region;
    std::string name;
  };

  std::size_t add(std::size_t bytes, std::string name) {
    const bool is_guarded = lending_ == Lending::strict || lending_ == Lending::guarded;
    regions_.push_back({Region(bytes, is_guarded ? 0 : kSlack), std::move(name)});
    return regions_.size() - 1;
  }
  // Of a struct that a host to come has longer: what it has more is not zero.
  std::size_t add_struct(std::size_t bytes, std::size_t known, std::string name) {
    const auto piece = add(bytes, std::move(name));
    if (bytes > known)
      std::memset(regions_[piece].region.data() + known, detail::kUnknownByte, bytes - known);
    return piece;
  }
  const char* lend_text(std::string_view text, const std::string& name) {
    if (text.empty()) return nullptr;
    const auto piece = add(text.size(), name);
    std::memcpy(regions_[piece].region.data(), text.data(), text.size());
    return regions_[piece].region.as<const char>();
  }
  const standpipe_pair* lend_pairs(const Pairs& pairs, const std::string& of) {
    if (pairs.empty()) return nullptr;
    const auto list = add(pairs.size() * sizeof(standpipe_pair), "the metadata of " + of);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto& [name, value] = pairs[i];
      const standpipe_pair pair{
          {lend_text(name, "a name in the metadata of " + of), name.size()},
          {lend_text(value, "a value in the metadata of " + of), value.size()}};
      std::memcpy(regions_[list].region.data() + i * sizeof pair, &pair, sizeof pair);
    }
    return regions_[list].region.as<const standpipe_pair>();
  }

  void lend_payloads(const std::vector<Message>& messages) {
    std::size_t bytes = 0;
    for (const auto& m : messages) bytes += m.payload.size();
    const bool each = messages.size() <= kGuarded;
    std::uint8_t* at = nullptr;
    if (!each) at = regions_[add(bytes, "the payloads")].region.data();
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto& m = messages[i];
      const auto name = "message " + std::to_string(i + 1) + " of the batch";
      const std::uint8_t* data = nullptr;
      if (each) {
        data = reinterpret_cast<const std::uint8_t*>(lend_text(m.payload, name));
      } else if (!m.payload.empty()) {
        std::memcpy(at, m.payload.data(), m.payload.size());
        data = at;
        at += m.payload.size();
      }
      write_row(i, m, data, name);
    }
  }
  void write_row(std::size_t i, const Message& m, const std::uint8_t* data,
                 const std::string& name) {
    standpipe_message row{};
    row.data = data;
    row.size = m.payload.size();
    row.sequence = m.sequence;
    row.time = m.time;
    const auto bytes = detail::row_bytes(shape_);
    if (shape_ != Shape::minor_0) {
      row.meta = lend_pairs(m.meta, name);
      row.meta_count = static_cast<std::uint32_t>(m.meta.size());
    }
    auto* to = regions_[rows_].region.data() + i * bytes;
    std::memset(to, detail::kUnknownByte, bytes);
    std::memcpy(to, &row, std::min(bytes, sizeof row));
  }

  void lend_batch(const Feed& feed, std::uint64_t ticket) {
    const auto bytes = detail::batch_bytes(shape_);
    standpipe_batch batch{};
    batch.size = static_cast<std::uint32_t>(bytes);
    batch.count = static_cast<std::uint32_t>(count_);
    batch.stride = static_cast<std::uint32_t>(detail::row_bytes(shape_));
    batch.attempt = feed.attempt;
    batch.messages = regions_[rows_].region.as<standpipe_message>();
    batch.source = {lend_text(feed.source, "the name of the source"), feed.source.size()};
    batch.ticket = ticket;
    if (shape_ != Shape::minor_0) {
      batch.source_meta = lend_pairs(feed.source_meta, "the source");
      batch.source_meta_count = static_cast<std::uint32_t>(feed.source_meta.size());
    }
    batch_ = add_struct(bytes, sizeof batch, "the batch");
    std::memcpy(regions_[batch_].region.data(), &batch, std::min(bytes, sizeof batch));
  }

  void lend_result() {
    const auto bytes = detail::result_bytes(shape_);
    outcomes_ = add(count_, "the outcomes");
    std::memset(outcomes(), STANDPIPE_DELIVERED, count_);
    reason_ = add(sizeof(standpipe_reason), "the reason");
    notes_ = add(count_ * sizeof(standpipe_note), "the notes");
    standpipe_result result{};
    result.size = static_cast<std::uint32_t>(bytes);
    result.outcomes = outcomes();
    result.at = STANDPIPE_NOT_TOLD;
    result.reason = regions_[reason_].region.as<standpipe_reason>();
    result.notes = count_ ? regions_[notes_].region.as<standpipe_note>() : nullptr;
    result.note_room = static_cast<std::uint32_t>(count_);
    result_ = add_struct(bytes, sizeof result, "the result");
    std::memcpy(regions_[result_].region.data(), &result, std::min(bytes, sizeof result));
  }

  std::size_t count_;
  Shape shape_;
  Lending lending_;
  bool is_over_ = false;
  std::vector<Piece> regions_;
  std::size_t rows_ = 0, batch_ = 0, result_ = 0, outcomes_ = 0, reason_ = 0, notes_ = 0;
};

}  // namespace standpipe::testing
