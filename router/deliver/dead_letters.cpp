// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_letters.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <system_error>

#include "base/byte_codec.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kSyncEach = std::chrono::seconds(1);
constexpr std::string_view kClosedPrefix = "dead-letters-", kSuffix = ".log";
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

// Of a closed file; 0: it is none.
std::uint64_t number_of(const std::string& path) {
  const auto name = std::filesystem::path(path).filename().string();
  if (!name.starts_with(kClosedPrefix) || !name.ends_with(kSuffix)) return 0;
  std::uint64_t number = 0;
  const auto digits = std::string_view(name).substr(kClosedPrefix.size(), name.size() - kClosedPrefix.size() - kSuffix.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

std::uint64_t letters_in(const std::string& path) try {
  return log::DiskLog::open(path, log::DiskLog::Access::read).records();
} catch (const Failure&) {
  return 0;
}

}  // namespace

std::optional<Failure> DeadLetters::put(std::span<const DeadLetter> letters) {
  try {
    if (!log_) open();
    if (log_->bytes() >= limits_.file) close_full();
  } catch (const Failure& failure) {
    return failure.in("cannot put a message aside");
  }
  std::optional<Failure> failure;
  for (const auto& letter : letters) {
    if (failure || (!last_.empty() && last_.contains(identity(letter)))) continue;
    failure = log_->append(meta_of(letter, run_).bytes(), {&letter.payload, 1});
  }
  if (!failure) failure = is_to_be_synced(letters) ? log_->sync() : log_->write();
  if (failure) return failure->in("cannot put a message aside");
  return std::nullopt;
}

bool DeadLetters::is_to_be_synced(std::span<const DeadLetter> letters) {
  const auto is_of_a_death = [](const DeadLetter& l) { return l.reason == Reason::crashed || l.reason == Reason::timeout; };
  const auto now = SystemClock().steady();
  if (now - synced_ < kSyncEach && std::ranges::none_of(letters, is_of_a_death)) return false;
  synced_ = now;
  return true;
}

// What a predecessor put and did not commit is among the last ones: a batch's worth at most.
void DeadLetters::open() {
  auto log = log::DiskLog::open(path_in(folder_), log::DiskLog::Access::append);
  const auto found = log.recovery().text();
  if (!found.empty()) reporter_.warning("dead-letters-damaged", path_in(folder_) + ": " + found);
  std::deque<std::string> last;
  for (log::DiskLog::Cursor at; const auto record = log.read_next(at);) {
    const auto letter = letter_of(*record);
    if (!letter || ByteReader(record->meta.subspan(sizeof kKind)).number<std::uint64_t>() != run_) continue;
    last.push_back(identity(*letter));
    if (last.size() > kBatchMessages) last.pop_front();
  }
  last_ = {last.begin(), last.end()};
  log_ = std::move(log);
}

// What makes a letter the same one.
std::string DeadLetters::identity(const DeadLetter& letter) const {
  return std::to_string(letter.sequence) + '/' + std::string(letter.source) + '/' + std::string(letter.handler);
}

// The letters that were last in it are not forgotten: the next ones may be the same.
void DeadLetters::close_full() {
  const auto closed = closed_in(folder_);
  const auto next = closed.empty() ? 1 : number_of(closed.back()) + 1;
  const auto path = folder_ + '/' + std::string(kClosedPrefix) + std::to_string(next) + std::string(kSuffix);
  if (::rename(path_in(folder_).c_str(), path.c_str()) != 0) throw Failure::system("rename " + path_in(folder_), errno);
  log_.reset();
  keep_within_limits();
  log_ = log::DiskLog::open(path_in(folder_), log::DiskLog::Access::append);
}

void DeadLetters::keep_within_limits() {
  auto closed = closed_in(folder_);
  std::uint64_t bytes = limits_.file;
  for (const auto& path : closed) bytes += size_of(path);
  for (auto oldest = closed.begin(); bytes > limits_.all && oldest != closed.end(); ++oldest) {
    bytes -= size_of(*oldest);
    const auto letters = letters_in(*oldest);
    std::error_code error;
    if (!std::filesystem::remove(*oldest, error)) continue;
    reporter_.warning("dead-letters-full",
                      "dead letters are kept up to " + size_text(limits_.all) + ": the oldest, " + counted(letters, "message") +
                          " in " + *oldest + ", are removed",
                      "look at what is rejected, and why, and move the files of dead letters away before there are so many");
  }
}

std::vector<std::string> DeadLetters::closed_in(const std::string& data_dir) {
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(data_dir, error), end; !error && entry != end; entry.increment(error))
    if (number_of(entry->path().string()) > 0) paths.push_back(entry->path().string());
  std::ranges::sort(paths, {}, number_of);
  return paths;
}

DeadLetterReader::DeadLetterReader(const std::string& data_dir) : paths_(DeadLetters::closed_in(data_dir)) {
  paths_.push_back(DeadLetters::path_in(data_dir));
  std::ranges::reverse(paths_);
}

std::optional<DeadLetter> DeadLetterReader::next() {
  for (;;) {
    while (const auto record = log_ ? log_->read_next(at_) : std::nullopt) {
      if (auto letter = letter_of(*record)) return letter;
      ++unreadable_;
    }
    if (paths_.empty()) return std::nullopt;
    log_ = log::DiskLog::open(paths_.back(), log::DiskLog::Access::read);
    at_ = {};
    paths_.pop_back();
  }
}

}  // namespace standpipe::deliver
