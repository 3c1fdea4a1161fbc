// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_letters.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <system_error>

#include "base/byte_codec.h"
#include "base/folder.h"
#include "base/text.h"
#include "deliver/letter_rewrite.h"
#include "deliver/set_aside.h"

namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kSyncEach = std::chrono::seconds(1);
constexpr std::string_view kClosedPrefix = "dead-letters-", kSuffix = ".log";
constexpr std::uint8_t kKind = 1;  // of a record's meta: a letter as below

// FNV-1a, and then each bit made to depend on all.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    byte(0);
  }
  void add(std::uint64_t number) {
    for (int i = 0; i < 64; i += 8) byte(static_cast<unsigned char>(number >> i));
  }
  std::uint64_t value() const {
    auto z = hash_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  void byte(unsigned char b) { hash_ = (hash_ ^ b) * 0x100000001b3; }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

// At most `most` bytes of the text, without a truncated character at the end.
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

// The fields that identify a letter come first.
ByteWriter meta_of(const DeadLetter& letter, std::uint64_t run) {
  ByteWriter out;
  // Numbers and lengths take less than 64 bytes, a reason's name less than 64.
  out.reserve(128 + letter.source.size() + letter.handler.size() + letter.plugin.size() +
              std::min(letter.detail.size(), kDetailBytesMax) + letter.route.size());
  out.number(kKind).number(run).number(letter.sequence).text(letter.source).text(letter.handler);
  out.number(letter.accepted_ns).number(letter.dead_lettered_ns).number(letter.attempts);
  out.text(reason_name(letter.reason))
      .text(letter.plugin)
      .text(cut(letter.detail, kDetailBytesMax));
  if (!letter.route.empty()) out.text(letter.route);
  return out;
}

// The number of a closed file; 0: it is not one.
std::uint64_t number_of(const std::string& path) {
  const auto name = std::filesystem::path(path).filename().string();
  if (!name.starts_with(kClosedPrefix) || !name.ends_with(kSuffix)) return 0;
  std::uint64_t number = 0;
  const auto digits = std::string_view(name).substr(
      kClosedPrefix.size(), name.size() - kClosedPrefix.size() - kSuffix.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

// Whether nothing was written to it for so long; 0: for ever.
bool is_older(const std::string& path, Nanoseconds age, Nanoseconds now) {
  struct stat st {};
  if (age == Nanoseconds(0) || ::stat(path.c_str(), &st) != 0) return false;
  const auto written = std::chrono::seconds(st.st_mtim.tv_sec);
  return now - written > age;
}

constexpr const char* kDamaged = "dead-letters-damaged";
// Under its own name it would be in the way again, and that of a closed one is as good.
constexpr const char* kHelpForNewer =
    "to have its letters, stop the hub, rename it to dead-letters-N.log with a number N that no "
    "file has, and use the Standpipe that wrote it";

// To append to. Something else in the place of the file would be there at each retry, so it makes
// room.
log::DiskLog open_or_begin(const std::string& path, Reporter& reporter) {
  try {
    return log::DiskLog::open(path, log::DiskLog::Access::append);
  } catch (const Failure& why) {
    const auto aside = set_aside_if_unknown(path, why);
    if (!aside) throw;
    reporter.error(
        kDamaged, std::string(why.what()) + ": it is " + *aside + " now, and another is begun",
        is_of_newer_version(why) ? kHelpForNewer
                                 : "what is in it may be looked at; nobody needs it now");
  }
  return log::DiskLog::open(path, log::DiskLog::Access::append);
}

// The list of those that were replayed, for whoever is going to write: if it is none it makes room.
// true: it did.
bool set_list_aside(const std::string& folder, Reporter& reporter) try {
  (void)ReplayedLetters::read(folder);
  return false;
} catch (const Failure& why) {
  const auto aside = set_aside_if_unknown(ReplayedLetters::path_in(folder), why);
  if (!aside) return false;
  reporter.error(kDamaged,
                 std::string(why.what()) + ": it is " + *aside +
                     " now, and letters that were replayed already are there again",
                 "purge those, or they may be replayed again: standpipe dead list");
  return true;
}

// The same list for readers, who change nothing, and show letters again.
std::unordered_set<std::uint64_t> replayed_in(const std::string& folder,
                                              std::vector<Failure>& problems) try {
  return ReplayedLetters::read(folder);
} catch (const Failure& why) {
  problems.emplace_back(
      std::string(why.what()) + ", so letters that were replayed already are shown again",
      why.help());
  return {};
}

std::uint64_t letters_in(const std::string& path) try {
  return log::DiskLog::open(path, log::DiskLog::Access::read).records();
} catch (const Failure&) {
  return 0;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string_view>> DeadLetter::metadata() const {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  log::FieldReader reader(fields);
  while (const auto field = reader.next())
    pairs.emplace_back(
        field->name,
        std::string_view(reinterpret_cast<const char*>(field->value.data()), field->value.size()));
  return pairs;
}

std::optional<DeadLetter> DeadLetter::read(const log::DiskLog::Record& record) {
  ByteReader in(record.meta);
  if (in.number<std::uint8_t>() != kKind) return std::nullopt;
  DeadLetter letter{.payload = record.payload};
  letter.run = in.number<std::uint64_t>();
  if (log::are_fields(record.fields)) letter.fields = record.fields;
  letter.sequence = in.number<std::uint64_t>();
  letter.source = in.text();
  letter.handler = in.text();
  letter.accepted_ns = in.number<std::uint64_t>();
  letter.dead_lettered_ns = in.number<std::uint64_t>();
  letter.attempts = in.number<std::uint32_t>();
  const auto reason = reason_of(in.text());
  letter.plugin = in.text();
  letter.detail = in.text();
  if (in.has_more()) letter.route = in.text();  // earlier versions do not say it
  if (!in.ok() || !reason) return std::nullopt;
  letter.reason = *reason;
  return letter;
}

std::uint64_t DeadLetter::identity() const {
  Hash hash;
  std::apply([&](const auto&... parts) { (hash.add(parts), ...); }, key(run));
  return hash.value();
}

std::optional<Failure> DeadLetters::put(std::span<const DeadLetter> letters) {
  try {
    if (log_ && !log_->is_at_its_path()) log_.reset();  // somebody has removed it
    if (!log_) open();
    if (is_full()) close_full();
  } catch (const Failure& failure) {
    return failure.in("cannot dead-letter a message");
  }
  if (log_->records() == 0) first_ = wall();
  std::optional<Failure> failure;
  for (const auto& letter : letters) {
    if (failure || (!last_.empty() && last_.contains(RememberedLetter(letter.key(run_))))) continue;
    failure = log_->append(meta_of(letter, run_).bytes(), {&letter.payload, 1}, letter.fields);
  }
  if (!failure) failure = is_to_be_synced(letters) ? log_->sync() : log_->write();
  if (failure) return failure->in("cannot dead-letter a message");
  return std::nullopt;
}

bool DeadLetters::is_to_be_synced(std::span<const DeadLetter> letters) {
  const auto is_of_a_death = [](const DeadLetter& l) {
    return l.reason == Reason::crashed || l.reason == Reason::timeout;
  };
  const auto now = SystemClock().steady();
  if (now - synced_ < kSyncEach && std::ranges::none_of(letters, is_of_a_death)) return false;
  synced_ = now;
  return true;
}

std::uint64_t DeadLetters::purge(const LetterFilter& filter) { return rewrite(&filter); }

void DeadLetters::compact() { (void)rewrite(nullptr); }

std::uint64_t DeadLetters::rewrite(const LetterFilter* filter) {
  auto rewrite = begin_rewrite(filter);
  while (!rewrite.is_over()) {
    rewrite.prepare();
    rewrite.replace();
  }
  return end_rewrite(rewrite);
}

LetterRewrite DeadLetters::begin_rewrite(const LetterFilter* filter) {
  (void)set_list_aside(folder_, *reporter_);
  auto replayed = ReplayedLetters::read(folder_);
  has_left_out_ = false;
  if (!filter && replayed.empty()) return {{}, {}, {}};
  (void)close_all();
  return {filter ? std::optional(*filter) : std::nullopt, std::move(replayed), closed_in(folder_)};
}

// The list of those that were replayed goes when none of them is there; so it stays where more came
// to it meanwhile.
std::uint64_t DeadLetters::end_rewrite(const LetterRewrite& rewrite) {
  const auto gone = rewrite.gone();
  if (const auto& failed = rewrite.failure())
    throw Failure(failed->what() + ("; of other files " + counted(gone, "letter") +
                                    (gone == 1 ? " was removed" : " were removed")),
                  failed->help());
  if (!has_left_out_) replayed_.remove();
  return gone;
}

std::uint64_t DeadLetters::close_all() {
  if (size_of(path_in(folder_)) > 0) close();
  const auto closed = closed_in(folder_);
  return closed.empty() ? 0 : number_of(closed.back());
}

std::optional<Failure> DeadLetters::leave_out(std::span<const std::uint64_t> identities) {
  has_left_out_ = true;
  auto failure = log_ ? log_->sync() : std::nullopt;
  if (!failure) failure = replayed_.add(identities);
  if (failure && set_list_aside(folder_, *reporter_)) failure = replayed_.add(identities);
  if (failure) return failure->in("cannot remove dead letters that were delivered");
  return std::nullopt;
}

// Letters that a predecessor put and did not commit are among the last ones of their handlers, of
// each a batch's worth at most; and in the last two files, for one may have been closed since.
void DeadLetters::open() {
  first_ = Nanoseconds(0);
  auto log = open_or_begin(path_in(folder_), *reporter_);
  const auto found = log.recovery().text();
  if (!found.empty()) reporter_->warning("dead-letters-damaged", path_in(folder_) + ": " + found);
  std::map<std::string, std::deque<RememberedLetter>> last;
  if (const auto closed = closed_in(folder_); !closed.empty()) {
    try {
      auto before = log::DiskLog::open(closed.back(), log::DiskLog::Access::read);
      find_last(before, last);
    } catch (const Failure&) {  // nobody needs it: what is there twice is lost in no case
    }
  }
  first_ = find_last(log, last);
  last_.clear();
  for (const auto& [handler, letters] : last) last_.insert(letters.begin(), letters.end());
  log_ = std::move(log);
}

// Returns when the first letter was put.
Nanoseconds DeadLetters::find_last(
    log::DiskLog& log, std::map<std::string, std::deque<RememberedLetter>>& last) const {
  Nanoseconds first{0};
  for (log::DiskLog::ReadPosition at; const auto record = log.read_next(at);) {
    const auto letter = DeadLetter::read(*record);
    if (!letter) continue;
    if (first == Nanoseconds(0))
      first = Nanoseconds(static_cast<std::int64_t>(letter->dead_lettered_ns));
    if (letter->run != run_) continue;
    auto& of_handler = last[std::string(letter->handler)];
    of_handler.emplace_back(letter->key(run_));
    if (of_handler.size() > kBatchMessages) of_handler.pop_front();
  }
  return first;
}

bool DeadLetters::is_full() const {
  const bool is_old =
      limits_.age > Nanoseconds(0) && log_->records() > 0 && wall() - first_ > limits_.age / 10;
  return log_->bytes() >= limits_.file || is_old;
}

// The last letters of the file are remembered: the next ones may be the same.
void DeadLetters::close_full() {
  close();
  keep_within_limits();
  log_ = open_or_begin(path_in(folder_), *reporter_);
}

void DeadLetters::close() {
  const auto closed = closed_in(folder_);
  const auto next = closed.empty() ? 1 : number_of(closed.back()) + 1;
  const auto path =
      folder_ + '/' + std::string(kClosedPrefix) + std::to_string(next) + std::string(kSuffix);
  if (::rename(path_in(folder_).c_str(), path.c_str()) != 0)
    throw Failure::system("rename " + path_in(folder_), errno);
  if (log_) (void)log_->sync();  // nobody does later; it is with the kernel in any case
  log_.reset();
}

void DeadLetters::keep_within_limits() {
  auto closed = closed_in(folder_);
  std::uint64_t bytes = limits_.file;
  for (const auto& path : closed) bytes += size_of(path);
  for (auto oldest = closed.begin(); oldest != closed.end(); ++oldest) {
    const bool is_too_old = is_older(*oldest, limits_.age, wall());
    if (bytes <= limits_.all && !is_too_old) return;
    bytes -= size_of(*oldest);
    const auto letters = letters_in(*oldest);
    std::error_code error;
    if (!std::filesystem::remove(*oldest, error)) continue;
    removed_ += letters;
    const auto limit =
        is_too_old ? "for " + duration_text(limits_.age) : "up to " + size_text(limits_.all);
    reporter_->warning("dead-letters-full",
                       "dead letters are kept " + limit + ": the oldest, " +
                           counted(letters, "message") + " in " + *oldest + ", are removed",
                       "look at what is rejected, and why, and replay or export the letters before "
                       "that: standpipe dead list");
  }
}

// The file that is written to, too, where nothing was put for so long.
void DeadLetters::remove_old() {
  if (limits_.age == Nanoseconds(0)) return;
  try {
    if (is_older(path_in(folder_), limits_.age, wall())) {
      log_.reset();
      close();
    }
    keep_within_limits();
  } catch (const Failure& failure) {
    reporter_->warning("dead-letters", failure.what(), failure.help());
  }
}

std::vector<std::string> DeadLetters::closed_in(const std::string& data_dir) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& name : names_in(data_dir, error))
    if (auto path = data_dir + '/' + name; number_of(path) > 0) paths.push_back(std::move(path));
  std::ranges::sort(paths, {}, number_of);
  return paths;
}

// The list before the letters: one that goes meanwhile may be read once more.
DeadLetterReader::DeadLetterReader(const std::string& data_dir)
    : paths_(DeadLetters::closed_in(data_dir)), replayed_(replayed_in(data_dir, problems_)) {
  paths_.push_back(DeadLetters::path_in(data_dir));
  std::ranges::reverse(paths_);
}

DeadLetterReader::DeadLetterReader(const std::string& data_dir, std::uint64_t last_file)
    : paths_(DeadLetters::closed_in(data_dir)), replayed_(replayed_in(data_dir, problems_)) {
  std::erase_if(paths_, [&](const auto& path) { return number_of(path) > last_file; });
  std::ranges::reverse(paths_);
}

std::optional<DeadLetter> DeadLetterReader::next() {
  for (;;) {
    while (const auto record = log_ ? log_->read_next(at_) : std::nullopt) {
      auto letter = DeadLetter::read(*record);
      if (!letter)
        ++unreadable_;
      else if (replayed_.empty() || !replayed_.contains(letter->identity()))
        return letter;
    }
    if (paths_.empty()) return std::nullopt;
    const auto path = std::move(paths_.back());
    paths_.pop_back();
    log_.reset();
    at_ = {};
    open(path);
  }
}

void DeadLetterReader::open(const std::string& path) try {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0 && errno == ENOENT) return;  // a hub may have removed it
  log_ = log::DiskLog::open(path, log::DiskLog::Access::read);
  const auto& found = log_->recovery();
  const bool is_being_written = found.header.empty() && found.damaged_ranges == 0 &&
                                (found.dropped_bytes == 0 || found.is_truncated);
  if (!is_being_written) problems_.emplace_back(path + ": " + found.text());
} catch (const Failure& failure) {
  problems_.push_back(failure);
}

}  // namespace standpipe::deliver
