// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_rewrite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "deliver/dead_letters.h"
#include "log/disk_log.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kAnewSuffix = ".anew";

void ok(std::optional<Failure> failure) {
  if (failure) throw std::move(*failure);
}

// Which letters a new file does not have. What cannot be read as a letter stays.
struct Left {
  const std::optional<LetterFilter>& filter;
  const std::unordered_set<std::uint64_t>& replayed;

  bool is_replayed(const DeadLetter& letter) const {
    return !replayed.empty() && replayed.contains(letter.identity());
  }
  bool has(const log::DiskLog::Record& record) const {
    const auto letter = DeadLetter::read(record);
    return letter && ((filter && filter->has(*letter)) || is_replayed(*letter));
  }
};

// Copies what does not go.
void copy_rest(log::DiskLog& from, const std::string& path, const Left& left) {
  std::error_code error;  // a purge before this one may have been ended
  if (!std::filesystem::remove(path, error) && error)
    throw Failure::system("delete " + path, error.value(), "mv it away");
  auto to = log::DiskLog::open(path, log::DiskLog::Access::append);
  std::size_t bytes = 0;  // that are not written yet
  for (log::DiskLog::ReadPosition at; const auto record = from.read_next(at);) {
    if (left.has(*record)) continue;
    ok(to.append(record->meta, {&record->payload, 1}, record->fields));
    bytes += record->payload.size();
    if (bytes < kBatchBytes) continue;
    ok(to.write());
    bytes = 0;
  }
  ok(to.sync());
}

}  // namespace

LetterRewrite::LetterRewrite(std::optional<LetterFilter> filter,
                             std::unordered_set<std::uint64_t> replayed,
                             std::vector<std::string> paths)
    : filter_(std::move(filter)), replayed_(std::move(replayed)), paths_(std::move(paths)) {}

void LetterRewrite::prepare() try {
  prepared_.reset();
  prepared_ = write_beside(paths_[at_]);
} catch (const Failure& failure) {
  if (!failure_) failure_ = failure;
}

void LetterRewrite::replace() try {
  const auto& path = paths_[at_++];
  if (prepared_) take_place(path);
} catch (const Failure& failure) {
  if (!failure_) failure_ = failure;
}

std::optional<LetterRewrite::Prepared> LetterRewrite::write_beside(const std::string& path) const {
  const Left left{filter_, replayed_};
  auto log = log::DiskLog::open(path, log::DiskLog::Access::read);
  std::uint64_t gone = 0, replayed = 0;
  for (log::DiskLog::ReadPosition at; const auto record = log.read_next(at);) {
    if (!left.has(*record)) continue;
    ++gone;
    replayed += left.is_replayed(*DeadLetter::read(*record));
  }
  if (gone == 0) return std::nullopt;
  Prepared prepared{.gone = gone - replayed, .anew = {}};
  if (gone == log.records()) return prepared;
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) throw Failure::system("look at " + path, errno);
  prepared.anew = path + std::string(kAnewSuffix);
  copy_rest(log, prepared.anew, left);
  const timespec times[] = {st.st_atim, st.st_mtim};  // its age counts from its last letter on
  (void)::utimensat(AT_FDCWD, prepared.anew.c_str(), times, 0);
  return prepared;
}

// Not where the file was removed meanwhile, since there was too much: then its letters are counted
// there.
void LetterRewrite::take_place(const std::string& path) {
  const auto& anew = prepared_->anew;
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 && errno == ENOENT) {
    if (!anew.empty()) (void)::unlink(anew.c_str());
    return;
  }
  if (anew.empty()) {
    if (::unlink(path.c_str()) != 0) throw Failure::system("delete " + path, errno);
  } else if (::rename(anew.c_str(), path.c_str()) != 0) {
    throw Failure::system("rename " + anew, errno);
  }
  gone_ += prepared_->gone;
}

}  // namespace standpipe::deliver
