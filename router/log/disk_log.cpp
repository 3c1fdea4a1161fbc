// SPDX-License-Identifier: Apache-2.0
#include "log/disk_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file_id.h"
#include "base/folder.h"
#include "base/opening.h"
#include "base/text.h"
#include "log/disk_error.h"
#include "log/record_format.h"

namespace standpipe::log {
namespace {

void write_at(const std::string& path, int fd, std::span<const std::byte> bytes,
              std::uint64_t offset) {
  if (const int error = write_all(fd, {&bytes, 1}, offset)) throw disk_error("write", path, error);
}

enum class Reach { kernel, disk };

// In the header; there when it returns.
std::optional<Failure> set_in_header(const std::string& path, int fd,
                                     std::span<const std::byte> bytes, std::uint64_t offset,
                                     Reach reach) try {
  write_at(path, fd, bytes, offset);
  if (reach == Reach::disk && ::fdatasync(fd) != 0) return disk_error("sync", path, errno);
  return std::nullopt;
} catch (const Failure& failure) {
  return failure;
}

std::uint64_t size_of_file(int fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw Failure::system("look at " + path, errno);
  return static_cast<std::uint64_t>(st.st_size);
}

std::optional<Failure> put_done(const std::string& path, std::uint32_t records, Reach reach) try {
  auto opened = paths::open_existing(path, O_RDWR);
  if (!opened) return failure_of(opened.problem(), disk_help(opened.problem().error, path));
  FileWindow window(path, opened.fd());
  auto header = FileHeader::read(window, path, size_of_file(opened.fd(), path));
  header.done = records;
  return set_in_header(path, opened.fd(), header.done_encoded(), header.done_at(), reach);
} catch (const Failure& failure) {
  return failure;
}

}  // namespace

// ---- open

DiskLog DiskLog::open(const std::string& path, Access access, std::uint32_t newest) {
  auto log = have(path, access);
  log.begin(access, newest);
  return log;
}

DiskLog DiskLog::have(const std::string& path, Access access) {
  auto opened = access == Access::append ? paths::open_or_create(path, O_RDWR, 0600)
                                         : paths::open_existing(path, O_RDONLY);
  if (!opened) throw failure_of(opened.problem(), disk_help(opened.problem().error, path));
  Fd fd(opened.release());
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw Failure::system("look at " + path, errno);
  if (!S_ISREG(st.st_mode))
    throw Failure(path + " is not a regular file, so it cannot be a disk log", "mv it away");
  return {path, std::move(fd), access == Access::read};
}

DiskLog DiskLog::resume(const std::string& path, std::uint64_t end) {
  if (end == 0) {
    const paths::Entry begun(path);
    const int error = begun ? begun.remove() : begun.problem().error;
    if (error != 0 && error != ENOENT) throw disk_error("delete", path, error);
    auto log = have(path, Access::append);
    log.begin_file();
    log.is_name_unsynced_ = true;
    return log;
  }
  auto opened = paths::open_existing(path, O_RDWR);
  if (!opened) throw failure_of(opened.problem(), disk_help(opened.problem().error, path));
  DiskLog log(path, Fd(opened.release()), false);
  const auto bytes = log.size();
  log.header_ = FileHeader::read(log.walker_.window(), path, bytes);
  if (bytes < end) throw Failure(path + " became shorter", "let nobody but the hub change it");
  log.repair_header();
  log.is_name_unsynced_ = true;
  log.walker_.forget();
  log.walker_.begin(log.header_);
  log.appender_.begin_at(log.header_, {.end = end}, true);
  if (::ftruncate(log.fd_.get(), static_cast<off_t>(end)) != 0)
    throw disk_error("cut the end of", path, errno);
  return log;
}

DiskLog DiskLog::walk(const std::string& path) {
  auto opened = paths::open_existing(path, O_RDONLY);
  if (!opened) throw failure_of(opened.problem(), disk_help(opened.problem().error, path));
  DiskLog log(path, Fd(opened.release()), true);
  const auto bytes = log.size();
  log.header_ = FileHeader::read(log.walker_.window(), path, bytes);
  log.walker_.begin(log.header_);
  log.appender_.begin_at(log.header_, {.end = bytes}, true);
  return log;
}

DiskLog::DiskLog(std::string path, Fd fd, bool searches)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      walker_(path_, fd_.get(), searches),
      appender_(path_, fd_.get()) {}

std::uint64_t DiskLog::size() const { return size_of_file(fd_.get(), path_); }

void DiskLog::begin(Access access, std::uint32_t newest) {
  const auto bytes = size();
  if (!FileHeader::is_unfinished(walker_.window(), bytes)) {
    header_ = FileHeader::read(walker_.window(), path_, bytes, newest);
    walker_.begin(header_);
    appender_.begin_at(header_, scan(access));
    if (access == Access::append) repair_header();
  } else if (access == Access::append) {
    begin_file();
  }
  if (access == Access::append) cut_end();
}

// A new one, or one whose maker died before there was a header: it is started again.
void DiskLog::begin_file() {
  header_ = FileHeader::fresh();
  write_at(path_, fd_.get(), header_.encoded(), 0);
  walker_.begin(header_);
  appender_.begin_at(header_, {.end = header_.bytes()});
}

void DiskLog::repair_header() {
  if (!header_.damage.empty()) write_at(path_, fd_.get(), header_.encoded(), 0);
}

// Returns where what is whole ends.
RecordAppender::Mark DiskLog::scan(Access access) {
  const auto bytes = size();
  const Survey survey(walker_, header_, bytes);
  recovery_ = survey.recovery();
  RecordAppender::Mark mark{.end = survey.end(), .records = recovery_.kept};
  if (const auto& last = survey.last()) {
    const auto meta =
        walker_.view(last->offset + last->record.head_bytes, last->record.meta_bytes, bytes);
    mark.last.assign(meta.begin(), meta.end());
  }
  if (const auto shortened = survey.shortened(); shortened && access == Access::append)
    shorten_batch(*shortened);
  return mark;
}

// Its last records are cut off.
void DiskLog::shorten_batch(const Survey::Shortened& shortened) {
  write_at(path_, fd_.get(), HeadFormat(header_.salt).batch(shortened.head, shortened.offset),
           shortened.offset);
}

// Also syncs: what a predecessor appended without a sync counts as kept, so it must last.
void DiskLog::cut_end() {
  walker_.forget();  // it may show what is cut
  const auto end = appender_.counted().end;
  if (size() > end && ::ftruncate(fd_.get(), static_cast<off_t>(end)) != 0)
    throw disk_error("cut the end of", path_, errno);
  if (::fsync(fd_.get()) != 0) throw disk_error("sync", path_, errno);
  is_name_unsynced_ = true;
  if (auto failure = sync_name()) throw Failure(*failure);
}

// ---- read

std::optional<DiskLog::Record> DiskLog::read_next(ReadPosition& at) {
  at.offset = std::max<std::uint64_t>(at.offset, header_.bytes());
  const auto end = appender_.counted().end;
  auto item = walker_.next(at.offset, end);
  for (; item && item->kind != LogWalker::Item::Kind::record; item = walker_.next(at.offset, end))
    at.offset = item->end();
  if (!item) return std::nullopt;
  at.offset = item->end();
  const auto& head = item->record;
  const auto bytes =
      walker_.view(item->offset + head.head_bytes, head.bytes - head.head_bytes, end);
  const auto meta = bytes.first(head.meta_bytes);
  const auto rest = bytes.subspan(meta.size());
  if (!head.has_fields) return Record{meta, {}, rest};
  const auto length = number_at(rest, 0);
  return Record{meta, rest.subspan(kFieldsLengthBytes, length),
                rest.subspan(kFieldsLengthBytes + length)};
}

std::optional<std::span<const std::byte>> DiskLog::last() const {
  if (records() == 0) return std::nullopt;
  return appender_.now().last;
}

// ---- append

std::optional<Failure> DiskLog::append(std::span<const std::byte> meta,
                                       std::span<const std::span<const std::byte>> payload,
                                       std::span<const std::byte> fields) {
  std::size_t payload_bytes = 0;
  for (const auto part : payload) payload_bytes += part.size();
  const auto fields_bytes = fields.empty() ? 0 : kFieldsLengthBytes + fields.size();
  if (meta.size() > kRecordMetaBytesMax || fields.size() > kFieldsBytesMax ||
      payload_bytes > kRecordBytesMax - kHeadBytes - meta.size() - fields_bytes)
    return Failure("a record of " + size_text(payload_bytes) + " is too large for " + path_);
  if (!fields.empty())
    if (auto failure = raise_version()) return failure;
  return appender_.append(meta, payload, fields);
}

// Before the first record with fields in a file of version 1, and on the disk before it: a program
// that does not know them must not pass them over.
std::optional<Failure> DiskLog::raise_version() {
  if (header_.version >= kFieldsVersion) return std::nullopt;
  if (auto failure =
          set_in_header(path_, fd_.get(), number_bytes(kFieldsVersion), kMagic.size(), Reach::disk))
    return failure;
  header_.version = kFieldsVersion;
  walker_.begin(header_);
  return std::nullopt;
}

std::optional<Failure> DiskLog::sync() {
  auto failure = sync_name();
  if (failure) appender_.take_back();
  if (!failure) failure = write_doubtful();
  return failure ? failure : appender_.sync();
}

// Before the first records: bytes in a file that nobody finds again are not kept.
std::optional<Failure> DiskLog::sync_name() {
  if (!is_name_unsynced_) return std::nullopt;
  const auto folder = folder_of(path_);
  if (const int error = sync_folder(folder))
    return Failure::system("sync the folder " + folder, error, disk_help(error, path_));
  is_name_unsynced_ = false;
  return std::nullopt;
}

// After a failed sync: what was handed over is written again, if it is still what it was.
std::optional<Failure> DiskLog::write_doubtful() try {
  auto at = appender_.doubtful_from();
  if (!at) return std::nullopt;
  walker_.forget();
  for (const auto end = appender_.counted().end; *at < end;) {
    const auto item = walker_.next(*at, end);
    if (!item || item->kind == LogWalker::Item::Kind::damage)
      return Failure("what was written to " + path_ + " was lost when the disk failed, from byte " +
                         thousands(*at) + " on",
                     "look at the disk: dmesg says what it reported");
    at = item->end();
  }
  return appender_.write_again();
} catch (const Failure& failure) {
  return failure;
}

void DiskLog::begin_write_back() const {
  (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

std::optional<Failure> DiskLog::set_done(const std::string& path, std::uint32_t records) {
  return put_done(path, records, Reach::disk);
}

std::optional<Failure> DiskLog::write_done(const std::string& path, std::uint32_t records) {
  return put_done(path, records, Reach::kernel);
}

bool DiskLog::is_at_its_path() const { return FileId::at(path_) == FileId::of(fd_.get()); }

std::optional<Failure> DiskLog::remove() {
  fd_.reset();
  const paths::Entry entry(path_);
  if (!entry) return failure_of(entry.problem());
  if (const int error = entry.remove(); error != 0 && error != ENOENT)
    return disk_error("delete", path_, error);
  if (const int error = sync_folder(folder_of(path_)))
    return Failure::system("sync the folder of " + path_, error, disk_help(error, path_));
  return std::nullopt;
}

}  // namespace standpipe::log
