// SPDX-License-Identifier: Apache-2.0
#include "deliver/saved_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "base/byte_codec.h"
#include "base/failure.h"
#include "base/folder.h"
#include "base/text.h"
#include "deliver/dead_letters.h"
#include "log/meta_block.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint8_t kQueuedMessage = 1;  // what meta begins with
constexpr std::size_t kFrameHeadBytes = 4;

// What a folder has, sorted; nothing if there is none.
std::vector<std::filesystem::path> entries_of(const std::string& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (const auto& name : names_in(folder, error)) entries.emplace_back(folder + '/' + name);
  if (error && error != std::errc::no_such_file_or_directory)
    throw Failure::system("look into " + folder, error.value());
  return entries;
}

// FIRST.log
std::optional<std::uint64_t> first_of(const std::filesystem::path& segment) {
  const auto digits = segment.stem().string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      segment.extension() != ".log" || !std::filesystem::is_regular_file(segment))
    return std::nullopt;
  return number;
}

void add_spills(const std::string& data_dir, std::vector<SavedFile>& files) {
  for (const auto& source : SpillReader::sources(data_dir))
    for (const auto& path : SpillReader::find(data_dir, source))
      files.push_back({.kind = SavedFile::Kind::spill,
                       .path = path,
                       .source = source,
                       .number = SpillReader::number_of(path)});
}

// DATA_DIR/queue/SOURCE/HANDLER/FIRST.log
void add_queues(const std::string& data_dir, std::vector<SavedFile>& files) {
  for (const auto& of_source : entries_of(data_dir + "/queue")) {
    const auto source = from_file_name(of_source.filename().string());
    if (!source || !std::filesystem::is_directory(of_source)) continue;
    for (const auto& of_handler : entries_of(of_source.string())) {
      const auto handler = from_file_name(of_handler.filename().string());
      if (!handler || !std::filesystem::is_directory(of_handler)) continue;
      for (const auto& segment : entries_of(of_handler.string()))
        if (const auto number = first_of(segment))
          files.push_back({SavedFile::Kind::queue, segment.string(), *source, *handler, *number});
    }
  }
}

// A copy under another name would deliver its messages twice, so a start sets it aside.
void check_number(const SavedFile& segment, std::uint64_t number, std::uint64_t bytes) {
  if (number < segment.number || number - segment.number >= bytes)
    throw Failure(segment.path + " has messages of other numbers than its name says",
                  "mv it away, if it is a copy");
}

}  // namespace

std::vector<SavedFile> saved_files(const std::string& data_dir) {
  std::vector<SavedFile> files;
  add_spills(data_dir, files);
  add_queues(data_dir, files);
  std::ranges::sort(files, {}, [](const SavedFile& f) {
    return std::tuple(f.source, f.kind, f.handler, f.number);
  });
  auto letters = DeadLetters::closed_in(data_dir);
  letters.push_back(DeadLetters::path_in(data_dir));
  letters.push_back(ReplayedLetters::path_in(data_dir));
  for (auto& path : letters)
    if (std::filesystem::exists(path))
      files.push_back({.kind = SavedFile::Kind::dead_letters, .path = std::move(path)});
  return files;
}

std::span<const std::byte> payload_of(const SavedMessage& message) {
  return message.frame.subspan(std::min(message.frame.size(), kFrameHeadBytes));
}

SavedReader::SavedReader(const SavedFile& file) : file_(file), after_(file.number) {
  if (file.kind == SavedFile::Kind::spill) {
    spill_ = std::make_unique<SpillReader>(file.path);
    return;
  }
  log_ = std::make_unique<log::DiskLog>(log::DiskLog::open(file.path, log::DiskLog::Access::read));
  handlers_.push_back(file.handler);
}

std::optional<SavedMessage> SavedReader::next() {
  if (file_.kind == SavedFile::Kind::queue) return next_of_queue();
  return spill_ ? spill_->next() : std::nullopt;
}

std::optional<SavedMessage> SavedReader::next_of_queue() {
  while (const auto record = log_->read_next(at_)) {
    ByteReader in(record->meta);
    const auto kind = in.number<std::uint8_t>();
    const auto number = in.number<std::uint64_t>();
    SavedMessage message{.handlers = handlers_, .frame = record->payload};
    message.sequence = in.number<std::uint64_t>();
    message.accepted_ns = in.number<std::uint64_t>();
    if (kind != kQueuedMessage || !in.ok()) continue;
    check_number(file_, number, log_->bytes());
    after_ = std::max(after_, number + 1);
    if (number < file_.number + log_->done()) continue;
    if (log::are_fields(record->fields)) message.fields = record->fields;
    return message;
  }
  return std::nullopt;
}

std::string_view SavedReader::kind() const {
  if (file_.kind == SavedFile::Kind::queue) return "queue";
  if (!spill_) return "dead letters";
  return spill_->is_overflow() ? "overflow" : "spill";
}

const log::Recovery& SavedReader::recovery() const {
  return spill_ ? spill_->recovery() : log_->recovery();
}

std::uint64_t SavedReader::bytes() const { return std::filesystem::file_size(file_.path); }

std::vector<std::string> SavedReader::damage() const {
  std::vector<std::string> lines;
  const auto& found = recovery();
  if (!found.header.empty()) lines.push_back(found.header);
  for (const auto& range : found.ranges) lines.push_back(range.text() + " cannot be read");
  if (found.damaged_ranges > found.ranges.size())
    lines.push_back(counted(found.damaged_ranges - found.ranges.size(), "more range") +
                    " cannot be read");
  if (found.dropped_bytes > 0 && (!found.is_truncated || is_whole_spill()))
    lines.push_back(counted(found.dropped_bytes, "byte") +
                    " at its end cannot be read: " + found.reason);
  if (is_whole_spill() && !spill_->written())
    lines.push_back("it has lost its end, and with it an unknown number of messages");
  return lines;
}

std::uint64_t SavedReader::left_out() const {
  const auto& found = recovery();
  return found.is_truncated && !is_whole_spill() ? found.dropped_bytes : 0;
}

}  // namespace standpipe::deliver
