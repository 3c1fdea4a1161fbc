// SPDX-License-Identifier: Apache-2.0
#include "deliver/replayed_letters.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/byte_codec.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint8_t kReplayedKind = 1;  // of a record's meta: identities, of 8 bytes each

// nullopt: there is none, or none any more.
std::optional<log::DiskLog> open_to_read(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  try {
    return log::DiskLog::open(path, log::DiskLog::Access::read);
  } catch (const Failure&) {
    if (!std::filesystem::exists(path, error)) return std::nullopt;
    throw;
  }
}

}  // namespace

std::optional<Failure> ReplayedLetters::add(std::span<const std::uint64_t> identities) try {
  if (identities.empty()) return std::nullopt;
  if (!log_) log_ = log::DiskLog::open(path_in(folder_), log::DiskLog::Access::append);
  ByteWriter meta, list;
  meta.number(kReplayedKind);
  for (const auto identity : identities) list.number(identity);
  const auto bytes = list.bytes();
  if (auto failure = log_->append(meta.bytes(), {&bytes, 1})) return failure;
  return log_->write();
} catch (const Failure& failure) {
  return failure;
}

void ReplayedLetters::remove() {
  log_.reset();
  const auto path = path_in(folder_);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    throw Failure::system("delete " + path, errno);
}

std::unordered_set<std::uint64_t> ReplayedLetters::read(const std::string& data_dir) {
  std::unordered_set<std::uint64_t> all;
  auto log = open_to_read(path_in(data_dir));
  if (!log) return all;
  for (log::DiskLog::ReadPosition at; const auto record = log->read_next(at);) {
    ByteReader meta(record->meta), list(record->payload);
    if (meta.number<std::uint8_t>() != kReplayedKind) continue;
    for (;;) {
      const auto identity = list.number<std::uint64_t>();
      if (!list.ok()) break;
      all.insert(identity);
    }
  }
  return all;
}

}  // namespace standpipe::deliver
