// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_letters.h"

#include <algorithm>

#include "base/byte_codec.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint8_t kKind = 1;  // of a record's meta: a letter as below

// At most `most` bytes of it, and no torn character at the end.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

std::optional<Reason> reason_of(std::string_view name) {
  for (std::size_t i = 0; i < kReasons; ++i)
    if (reason_name(static_cast<Reason>(i)) == name) return static_cast<Reason>(i);
  return std::nullopt;
}

// What makes a letter the same one stands first.
ByteWriter meta_of(const DeadLetter& letter, std::uint64_t run) {
  ByteWriter out;
  out.number(kKind).number(run).number(letter.sequence).text(letter.source).text(letter.handler);
  out.number(letter.accepted_ns).number(letter.put_aside_ns).number(letter.attempts);
  out.text(reason_name(letter.reason)).text(letter.plugin).text(cut(letter.detail, kDetailBytesMax));
  return out;
}

std::optional<DeadLetter> letter_of(const log::DiskLog::Record& record) {
  ByteReader in(record.meta);
  if (in.number<std::uint8_t>() != kKind) return std::nullopt;
  (void)in.number<std::uint64_t>();  // the run
  DeadLetter letter{.payload = record.payload};
  letter.sequence = in.number<std::uint64_t>();
  letter.source = in.text();
  letter.handler = in.text();
  letter.accepted_ns = in.number<std::uint64_t>();
  letter.put_aside_ns = in.number<std::uint64_t>();
  letter.attempts = in.number<std::uint32_t>();
  const auto reason = reason_of(in.text());
  letter.plugin = in.text();
  letter.detail = in.text();
  if (!in.ok() || !reason) return std::nullopt;
  letter.reason = *reason;
  return letter;
}

}  // namespace

std::optional<Failure> DeadLetters::put(const DeadLetter& letter) {
  try {
    if (!log_) open();
  } catch (const Failure& failure) {
    return failure.in("cannot put a message aside");
  }
  if (is_last(letter)) return std::nullopt;
  const auto meta = meta_of(letter, run_);
  auto failure = log_->append(meta.bytes(), {&letter.payload, 1});
  if (!failure) failure = log_->sync();
  if (failure) return failure->in("cannot put a message aside");
  return std::nullopt;
}

void DeadLetters::open() {
  log_ = log::DiskLog::open(path_, log::DiskLog::Access::append);
  const auto found = log_->recovery().text();
  if (!found.empty()) reporter_.warning("dead-letters-damaged", path_ + ": " + found);
}

bool DeadLetters::is_last(const DeadLetter& letter) const {
  const auto last = log_->last();
  if (!last) return false;
  const auto identity = ByteWriter().number(kKind).number(run_).number(letter.sequence).text(letter.source).text(letter.handler);
  const auto bytes = identity.bytes();
  return last->size() >= bytes.size() && std::equal(bytes.begin(), bytes.end(), last->begin());
}

DeadLetterReader::DeadLetterReader(const std::string& data_dir)
    : log_(log::DiskLog::open(DeadLetters::path_in(data_dir), log::DiskLog::Access::read)) {}

std::optional<DeadLetter> DeadLetterReader::next() {
  while (const auto record = log_.read_next(at_)) {
    if (auto letter = letter_of(*record)) return letter;
    ++unreadable_;
  }
  return std::nullopt;
}

}  // namespace standpipe::deliver
