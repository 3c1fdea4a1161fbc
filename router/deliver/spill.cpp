// SPDX-License-Identifier: Apache-2.0
#include "deliver/spill.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/byte_codec.h"
#include "base/folder.h"
#include "base/opening.h"
#include "base/text.h"
#include "deliver/spill_format.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kExtension = ".log";
constexpr std::string_view kTemporary = ".tmp";

struct Name {
  std::string source;
  std::uint64_t number = 0;
};

std::string folder_in(const std::string& data_dir) { return data_dir + "/spill"; }

// SOURCE-N.log; the source's own name may have dashes, the number has none.
std::optional<Name> parse(std::string_view file) {
  if (!file.ends_with(kExtension)) return std::nullopt;
  file.remove_suffix(kExtension.size());
  const auto dash = file.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto digits = file.substr(dash + 1);
  Name name;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), name.number);
  const auto source = from_file_name(file.substr(0, dash));
  if (error != std::errc() || end != digits.data() + digits.size() || !source) return std::nullopt;
  name.source = *source;
  return name;
}

std::vector<Name> spills(const std::string& data_dir) {
  std::vector<Name> found;
  std::error_code error;
  const auto folder = folder_in(data_dir);
  for (const auto& file : names_in(folder, error))
    if (auto name = parse(file)) found.push_back(std::move(*name));
  if (error && error != std::errc::no_such_file_or_directory)
    throw Failure::system("look into " + folder, error.value());
  return found;
}

std::string file_of(const std::string& data_dir, std::string_view source, std::uint64_t number) {
  return folder_in(data_dir) + '/' + as_file_name(source) + '-' + std::to_string(number) +
         std::string(kExtension);
}

std::vector<std::uint64_t> numbers_of(const std::string& data_dir, std::string_view source) {
  std::vector<std::uint64_t> numbers;
  for (const auto& name : spills(data_dir))
    if (name.source == source) numbers.push_back(name.number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string temporary(const std::string& path) { return path + std::string(kTemporary); }

std::string next_path(const std::string& data_dir, std::string_view source) {
  return file_of(data_dir, source, SpillReader::next_number(data_dir, source));
}

log::DiskLog open_temporary(const std::string& path) {
  const auto name = temporary(path);
  const paths::Entry left(name, own_file());  // of an interrupted spill
  if (!left) throw failure_of(left.problem());
  if (const int error = left.remove(); error != 0 && error != ENOENT)
    throw Failure::system("delete " + name, error);
  try {
    return log::DiskLog::open(name, log::DiskLog::Access::append);
  } catch (const Failure&) {
    (void)left.remove();  // made, and no room for its header
    throw;
  }
}

}  // namespace

// ---- write

SpillWriter::SpillWriter(const std::string& data_dir, std::string_view source)
    : path_(next_path(data_dir, source)), log_(open_temporary(path_)) {}

SpillWriter::~SpillWriter() {
  if (!is_finished_) (void)paths::Entry(temporary(path_), own_file()).remove();
}

std::optional<Failure> SpillWriter::add(std::uint64_t sequence, std::uint64_t accepted_ns,
                                        std::span<const std::string_view> handlers,
                                        std::span<const std::span<const std::byte>> frame,
                                        std::span<const std::byte> fields) {
  if (auto failure = append_message(log_, lists_, sequence, accepted_ns, handlers, frame, fields))
    return failure;
  ++messages_;
  return std::nullopt;
}

std::optional<Failure> SpillWriter::finish() {
  if (auto failure = append_end(log_, lists_, messages_)) return failure;
  if (auto failure = log_.sync()) return failure;
  const paths::Entry entry(temporary(path_), own_file());
  if (!entry) return failure_of(entry.problem());
  if (const int error = entry.rename_to(path_.substr(path_.rfind('/') + 1)))
    return Failure::system("rename " + temporary(path_), error);
  is_finished_ = true;
  if (const int error = entry.sync_folder())
    return Failure::system("sync the folder of " + path_, error);
  return std::nullopt;
}

// ---- read

std::vector<std::string> SpillReader::find(const std::string& data_dir, std::string_view source) {
  std::vector<std::string> paths;
  for (const auto number : numbers_of(data_dir, source))
    paths.push_back(file_of(data_dir, source, number));
  return paths;
}

std::vector<std::string> SpillReader::sources(const std::string& data_dir) {
  std::set<std::string> sources;
  for (auto& name : spills(data_dir)) sources.insert(std::move(name.source));
  return {sources.begin(), sources.end()};
}

std::uint64_t SpillReader::number_of(const std::string& path) {
  const auto name = parse(path.substr(path.rfind('/') + 1));
  return name ? name->number : 0;
}

std::uint64_t SpillReader::next_number(const std::string& data_dir, std::string_view source) {
  make_private_folders(folder_in(data_dir));
  const auto numbers = numbers_of(data_dir, source);
  auto number = numbers.empty() ? 1 : numbers.back() + 1;
  std::error_code error;
  while (std::filesystem::is_directory(temporary(file_of(data_dir, source, number)), error))
    ++number;  // somebody's, in the way
  return number;
}

std::string SpillReader::path_of(const std::string& data_dir, std::string_view source,
                                 std::uint64_t number) {
  return file_of(data_dir, source, number);
}

SpillReader::SpillReader(const std::string& path)
    : log_(log::DiskLog::open(path, log::DiskLog::Access::read)) {
  if (const auto last = log_.last()) {
    ByteReader in(*last);
    if (in.number<std::uint8_t>() == static_cast<std::uint8_t>(SpillRecord::end))
      written_ = in.number<std::uint64_t>();
  }
  log::DiskLog::ReadPosition first;
  if (const auto record = log_.read_next(first))
    is_overflow_ = ByteReader(record->meta).number<std::uint8_t>() ==
                   static_cast<std::uint8_t>(SpillRecord::overflow);
}

// A message of whose list every copy was damaged cannot be served: it is missing in the count, and
// so reported.
std::optional<SavedMessage> SpillReader::next() {
  for (auto before = at_; const auto record = log_.read_next(at_); before = at_) {
    if (read_list(*record)) continue;
    ByteReader in(record->meta);
    const auto kind = static_cast<SpillRecord>(in.number<std::uint8_t>());
    const auto number = in.number<std::uint32_t>();
    if (kind != SpillRecord::message || !in.ok()) continue;
    if (!lists_.contains(number)) {
      if (!find_list(number)) continue;
      at_ = before;  // what was read is not valid any more
      continue;
    }
    SavedMessage message{.handlers = lists_[number], .frame = record->payload};
    message.sequence = in.number<std::uint64_t>();
    message.accepted_ns = in.number<std::uint64_t>();
    if (log::are_fields(record->fields)) message.fields = record->fields;
    if (!in.ok()) continue;
    if (++messages_ > served()) return message;
  }
  return std::nullopt;
}

// false: it is not a list.
bool SpillReader::read_list(const log::DiskLog::Record& record) {
  ByteReader in(record.meta);
  if (in.number<std::uint8_t>() != static_cast<std::uint8_t>(SpillRecord::handlers)) return false;
  const auto number = in.number<std::uint32_t>();
  std::vector<std::string> names;
  for (auto count = in.number<std::uint32_t>(); count > 0 && in.ok(); --count)
    names.emplace_back(in.text());
  if (in.ok()) lists_[number] = std::move(names);
  return true;
}

// A copy of it that stands further on; that one before the message is damaged.
bool SpillReader::find_list(std::uint32_t number) {
  if (lost_lists_.contains(number)) return false;
  for (auto ahead = at_; const auto record = log_.read_next(ahead);)
    if (read_list(*record) && lists_.contains(number)) return true;
  lost_lists_.insert(number);
  return false;
}

// An overflow whose hub was killed has no end, and its last batch may be truncated.
bool SpillReader::is_damaged() const {
  if (is_overflow_ && !written_) return log_.recovery().is_damaged();
  return !written_ || !log_.recovery().text().empty();
}

std::optional<Failure> SpillReader::set_served(const std::string& path, std::uint64_t messages) {
  return log::DiskLog::set_done(
      path, static_cast<std::uint32_t>(std::min<std::uint64_t>(messages, ~std::uint32_t{0})));
}

std::string SpillReader::damage() const {
  const auto found = log_.recovery().text();
  if (is_overflow_ && !written_)
    return log_.recovery().is_damaged() ? log_.path() + ": " + found : "";
  if (written_ == messages_)
    return found.empty() ? "" : log_.path() + ": all messages are there, but " + found;
  const auto lost = written_ ? "lacks " + counted(*written_ - messages_, "message")
                             : "has lost its end, and with it an unknown number of messages";
  return log_.path() + " " + lost + (found.empty() ? "" : ": " + found);
}

}  // namespace standpipe::deliver
