// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include <standpipe/wire.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "line_log.h"

namespace {

constexpr std::size_t kLineMost = 4096;         // bytes of a record without what follows it
constexpr std::size_t kReadLeast = 128 * 1024;  // room for a read: a program's answers of a batch
constexpr std::size_t kKeptMost = 1 << 20;      // memory of a large message goes back
constexpr std::size_t kLengthBytes = STANDPIPE_WIRE_HEADER_BYTES;
// Pairs have a length each of name and value, besides their texts.
constexpr std::size_t kBlockMost =
    STANDPIPE_META_BYTES_MAX + STANDPIPE_META_PAIRS_MAX * 2 * kLengthBytes;

// The words of a line, from the left.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}
  std::string_view next() {
    const auto space = std::min(rest_.find(' '), rest_.size());
    const auto word = rest_.substr(0, space);
    rest_.remove_prefix(std::min(space + 1, rest_.size()));
    return word;
  }
  std::optional<std::uint64_t> number() {
    const auto word = next();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return value;
  }
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct Head {
  Record record;
  std::uint64_t bytes = 0, meta = 0, resume = 0;  // that follow the line
};

std::optional<standpipe::Outcome> outcome_of(std::string_view word) {
  using standpipe::Outcome;
  if (word == "delivered") return Outcome::delivered;
  if (word == "filtered") return Outcome::filtered;
  if (word == "reject") return Outcome::reject;
  if (word == "retry") return Outcome::retry;
  return std::nullopt;
}

bool read_outcome(Words& words, Record& record) {
  record.kind = Record::Kind::outcome;
  if (words.at_end()) return true;
  const auto count = words.number();
  const bool has_reason =
      record.outcome == standpipe::Outcome::reject || record.outcome == standpipe::Outcome::retry;
  if (!count || *count == 0 || (!has_reason && !words.at_end())) return false;
  record.count = *count;
  record.reason = words.rest();
  return true;
}

bool read_lengths(Words& words, Head& head, Record::Kind kind) {
  head.record.kind = kind;
  const auto bytes = words.number();
  if (!bytes) return false;
  head.bytes = *bytes;
  if (words.at_end()) return true;
  const auto meta = words.number();
  if (!meta || kind != Record::Kind::emit) return false;
  head.meta = *meta;
  if (words.at_end()) return true;
  const auto resume = words.number();
  if (!resume || !words.at_end()) return false;
  head.resume = *resume;
  head.record.resume = std::string_view();
  return true;
}

bool read_greeting(Words& words, Record& record) {
  record.kind = Record::Kind::greeting;
  if (words.next() != "1") return false;
  if (words.at_end()) return true;
  record.wants_commits = words.next() == "committed" && words.at_end();
  return record.wants_commits;
}

bool read_head(std::string_view line, Head& head) {
  Words words(line);
  const auto word = words.next();
  if (const auto outcome = outcome_of(word)) {
    head.record.outcome = *outcome;
    return read_outcome(words, head.record);
  }
  if (word == "emit") return read_lengths(words, head, Record::Kind::emit);
  if (word == "resume") return read_lengths(words, head, Record::Kind::resume);
  if (word == "standpipe") return read_greeting(words, head.record);
  head.record.kind = word == "fatal" ? Record::Kind::fatal : Record::Kind::disconnected;
  head.record.reason = words.rest();
  return word == "fatal" || word == "disconnected";
}

void check_lengths(const Head& head, std::size_t message_max) {
  if (head.meta > kBlockMost)
    throw Nonsense("it makes a message with " + std::to_string(head.meta) +
                   " bytes of metadata, above the limit of " + std::to_string(kBlockMost));
  const auto resume = head.record.kind == Record::Kind::resume ? head.bytes : head.resume;
  if (resume > STANDPIPE_RESUME_BYTES_MAX)
    throw Nonsense("it wants to resume at a text of " + std::to_string(resume) +
                   " bytes, above the limit of " + std::to_string(STANDPIPE_RESUME_BYTES_MAX));
  if (head.bytes > message_max)
    throw Nonsense("it makes a message of " + std::to_string(head.bytes) +
                   " bytes, above max_message_size (" + std::to_string(message_max) + ")");
}

}  // namespace

std::uint32_t length_at(std::string_view bytes) {
  std::uint8_t header[kLengthBytes];
  std::memcpy(header, bytes.data(), sizeof header);
  return standpipe_wire_get_length(header);
}

std::string nonsense(std::string_view bytes, std::string_view wanted) {
  constexpr std::size_t kShown = 60;
  return "it printed '" + shown(bytes, kShown) + "' where " + std::string(wanted) +
         " belongs (see PROTOCOL.md); what is not for the hub goes to standard error";
}

Inbox::Read Inbox::read(int fd) {
  make_room();
  const auto n = ::read(fd, buffer_.data() + end_, buffer_.size() - end_);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? Read::none_now : Read::at_end;
  end_ += static_cast<std::size_t>(n);
  return n > 0 ? Read::some : Read::at_end;
}

void Inbox::make_room() {
  const auto kept = end_ - mark_;
  if (mark_ > 0 && buffer_.size() - end_ < kReadLeast) {
    std::memmove(buffer_.data(), buffer_.data() + mark_, kept);
    at_ -= mark_;
    end_ = kept;
    mark_ = 0;
  }
  if (buffer_.size() > kKeptMost && kept < kReadLeast && mark_ == 0) {
    buffer_.resize(2 * kReadLeast);
    buffer_.shrink_to_fit();
  }
  // Twice as much, so that a large message is not copied again and again.
  if (buffer_.size() - end_ < kReadLeast)
    buffer_.resize(std::max(2 * buffer_.size(), end_ + 2 * kReadLeast));
}

bool RecordReader::next(Inbox& inbox, Record& record) const {
  const auto bytes = inbox.bytes();
  if (bytes.empty()) return false;
  const auto newline = bytes.substr(0, kLineMost).find('\n');
  if (newline == std::string_view::npos) {
    if (bytes.size() >= kLineMost) throw Nonsense(nonsense(bytes, "a record"));
    return false;
  }
  Head head;
  if (!read_head(bytes.substr(0, newline), head)) throw Nonsense(nonsense(bytes, "a record"));
  check_lengths(head, message_max_);
  const auto size = newline + 1 + head.meta + head.resume + head.bytes;
  if (bytes.size() < size) return false;
  auto rest = bytes.substr(newline + 1);
  const auto take = [&rest](std::uint64_t count) {
    const auto taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  };
  head.record.meta = take(head.meta);
  const auto resume = take(head.resume);
  if (head.record.resume) head.record.resume = resume;
  head.record.payload = take(head.bytes);
  record = head.record;
  inbox.consume(size);
  return true;
}

void read_pairs(std::string_view block, std::vector<standpipe_pair>& pairs) {
  pairs.clear();
  while (!block.empty()) {
    if (block.size() < 2 * kLengthBytes)
      throw Nonsense("its metadata ends in the middle of a pair");
    const std::size_t name = length_at(block);
    const std::size_t value = length_at(block.substr(kLengthBytes));
    block.remove_prefix(2 * kLengthBytes);
    if (block.size() < name || block.size() - name < value)
      throw Nonsense("its metadata ends in the middle of a pair");
    if (name == 0 || name > STANDPIPE_META_NAME_MAX || pairs.size() == STANDPIPE_META_PAIRS_MAX)
      throw Nonsense("its metadata has a name of " + std::to_string(name) + " bytes (1 to " +
                     std::to_string(STANDPIPE_META_NAME_MAX) + " are allowed) or more than " +
                     std::to_string(STANDPIPE_META_PAIRS_MAX) + " pairs");
    pairs.push_back({{block.data(), name}, {block.data() + name, value}});
    block.remove_prefix(name + value);
  }
}

void append_length(std::string& to, std::size_t length) {
  std::uint8_t header[kLengthBytes];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(length));
  to.append(reinterpret_cast<const char*>(header), sizeof header);
}

void append_pair(std::string& block, const standpipe_pair& pair) {
  append_length(block, pair.name.size);
  append_length(block, pair.value.size);
  block.append(standpipe::detail::view(pair.name));
  block.append(standpipe::detail::view(pair.value));
}
