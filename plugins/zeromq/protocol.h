// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The frames of PROTOCOL.md. All numbers are little endian.

// The first frame of a batch.
struct BatchHead {
  static constexpr std::size_t kBytes = 32;
  bool has_metadata = false;  // a frame of metadata is before each payload
  std::uint64_t session = 0;  // drawn by lot each time a sender opens
  std::uint64_t base = 0;     // all batches below it are safe
  std::uint64_t id = 0;       // of this batch, from 1 in its session

  std::string encoded() const;
  static std::optional<BatchHead> decoded(std::string_view frame);
};

// The first frame of an answer.
struct Answer {
  static constexpr std::size_t kBytes = 24;
  std::uint64_t session = 0;
  std::uint64_t safe = 0;  // this batch and all below it are safe

  std::string encoded() const;
  static std::optional<Answer> decoded(std::string_view frame);
};

// Each further frame of an answer: a message that will never be taken.
struct Refusal {
  std::uint64_t id = 0;     // of its batch
  std::uint32_t index = 0;  // of the message in that, from 0
  std::string why;

  std::string encoded() const;
  static std::optional<Refusal> decoded(std::string_view frame);
};
