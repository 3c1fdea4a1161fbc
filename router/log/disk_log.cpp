// SPDX-License-Identifier: Apache-2.0
#include "log/disk_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/folder.h"
#include "base/opening.h"
#include "base/text.h"

namespace standpipe::log {
namespace {

constexpr std::string_view kMagic = "stdplog\n";  // the newline shows what a transfer as text did to it
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFileHeaderBytes = 16;
constexpr std::size_t kHeadBytes = 12;
constexpr std::size_t kHeadBytesUnchecked = 8;     // length and checksum
constexpr std::size_t kBufferBytes = 256 * KiB;    // a write's worth: what is larger gains nothing
constexpr std::size_t kCopiedBytesMax = 16 * KiB;  // a larger payload is written from where it lies
constexpr std::size_t kWindowBytes = 256 * KiB;
constexpr std::uint64_t kSearchBytesMax = 4 * GiB;  // read to find a record behind a damaged length: what looks like one is tried

std::vector<std::byte> file_header() {
  ByteWriter out;
  for (const char c : kMagic) out.number(static_cast<std::uint8_t>(c));
  out.number(kVersion).number(std::uint32_t{0});
  return {out.bytes().begin(), out.bytes().end()};
}

std::string help_for(int error, const std::string& path) {
  if (error == ENOSPC || error == EDQUOT) return "make room in the file system of " + path;
  if (error == EFBIG) return "raise the limit of a file's size (ulimit -f)";
  if (error == EIO) return "look at the disk: dmesg says what it reported";
  if (error == EACCES || error == EPERM) return "it must belong to the hub's user";
  return {};
}

void append_bytes(std::vector<std::byte>& to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// Moves on over `bytes` that are done, and over parts that are empty.
std::span<iovec> behind(std::span<iovec> parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts[0].iov_len) {
    bytes -= parts[0].iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) parts[0] = {static_cast<char*>(parts[0].iov_base) + bytes, parts[0].iov_len - bytes};
  return parts;
}

// Writes all of it, or returns the error; how much came is not told.
int write_all(int fd, std::span<iovec> parts, std::uint64_t offset) {
  for (parts = behind(parts, 0); !parts.empty();) {
    const auto count = static_cast<int>(std::min<std::size_t>(parts.size(), IOV_MAX));
    const auto n = ::pwritev(fd, parts.data(), count, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;  // does not happen to files, and must not spin
    offset += static_cast<std::uint64_t>(n);
    parts = behind(parts, static_cast<std::size_t>(n));
  }
  return 0;
}

iovec part_of(std::span<const std::byte> bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

}  // namespace

std::string DiskLog::Recovery::text() const {
  std::vector<std::string> parts;
  if (damaged > 0) parts.push_back("passed over " + counted(damaged, "damaged record"));
  if (dropped_bytes > 0) parts.push_back("left out " + counted(dropped_bytes, "byte") + " at the end: " + reason);
  return parts.empty() ? "" : joined(parts, "; ") + " (" + counted(kept, "whole record") + ")";
}

// ---- open

DiskLog DiskLog::open(const std::string& path, Access access) {
  auto opened = access == Access::append ? paths::open_or_create(path, O_RDWR, 0600) : paths::open_existing(path, O_RDONLY);
  if (!opened) throw failure_of(opened.problem(), help_for(opened.problem().error, path));
  Fd fd(opened.release());
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw Failure::system("look at " + path, errno);
  if (!S_ISREG(st.st_mode)) throw Failure(path + " is no ordinary file, so it cannot be a disk log", "mv it away");
  DiskLog log(path, std::move(fd));
  log.searches_ = access == Access::read;
  log.begin(access);
  return log;
}

DiskLog DiskLog::resume(const std::string& path, std::uint64_t end) {
  if (end == 0) {
    const paths::Entry begun(path);
    const int error = begun ? begun.remove() : begun.problem().error;
    if (error != 0 && error != ENOENT) throw Failure::system("delete " + path, error, help_for(error, path));
    return open(path, Access::append);
  }
  auto opened = paths::open_existing(path, O_RDWR);
  if (!opened) throw failure_of(opened.problem(), help_for(opened.problem().error, path));
  Fd fd(opened.release());
  DiskLog log(path, std::move(fd));
  log.check_header();
  if (log.size() < end) throw Failure(path + " became shorter", "let nobody but the hub change it");
  log.synced_.end = log.now_.end = end;
  log.unsynced_ = true;
  log.window_.clear();
  if (::ftruncate(log.fd_.get(), static_cast<off_t>(end)) != 0)
    throw Failure::system("cut the end of " + path, errno, help_for(errno, path));
  return log;
}

std::uint64_t DiskLog::size() const {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) throw Failure::system("look at " + path_, errno);
  return static_cast<std::uint64_t>(st.st_size);
}

// A file without so much as a header was begun by somebody who did not come further: it is begun again.
void DiskLog::begin(Access access) {
  const auto header = file_header();
  const auto bytes = size();
  const auto start = window(0, std::min<std::uint64_t>(bytes, kFileHeaderBytes), bytes);
  const bool is_begun = bytes < kFileHeaderBytes && std::equal(start.begin(), start.end(), header.begin());
  const bool is_zero =
      bytes <= kFileHeaderBytes && std::all_of(start.begin(), start.end(), [](auto b) { return b == std::byte{0}; });
  synced_.end = kFileHeaderBytes;
  if (!is_begun && !is_zero) {
    check_header();
    scan(bytes);
  } else if (access == Access::append) {
    iovec part = part_of(header);
    if (const int error = write_all(fd_.get(), {&part, 1}, 0))
      throw Failure::system("write " + path_, error, help_for(error, path_));
  }
  now_ = synced_;
  if (access == Access::append) cut_end();
}

void DiskLog::check_header() {
  const auto bytes = size();
  const auto start = window(0, std::min<std::uint64_t>(bytes, kFileHeaderBytes), bytes);
  const auto header = file_header();
  const auto magic = start.first(std::min(start.size(), kMagic.size()));
  if (start.size() < kFileHeaderBytes || !std::equal(magic.begin(), magic.end(), header.begin()))
    throw Failure(path_ + " is no disk log (it begins with " + hex_excerpt(magic, magic.size()) + ")", "mv it away");
  ByteReader in(start.subspan(kMagic.size()));
  const auto version = in.number<std::uint32_t>();
  done_ = in.number<std::uint32_t>();
  if (version != kVersion)
    throw Failure(path_ + " is a disk log of version " + std::to_string(version) + "; this Standpipe knows version " +
                      std::to_string(kVersion),
                  "use the Standpipe that wrote it, or mv it away");
}

// Walks from length to length. A record that is damaged itself is passed over when a whole one follows somewhere: one flipped bit
// must not cost all that lies behind it.
void DiskLog::scan(std::uint64_t size) {
  std::uint64_t last_offset = 0;
  Cursor at{synced_.end};
  while (const auto found = next_whole(at.offset, size)) {
    recovery_.damaged += found->passed;
    ++recovery_.kept;
    last_offset = found->offset;
    at.offset = synced_.end = found->offset + found->head.bytes;
  }
  synced_.records = recovery_.kept;
  recovery_.dropped_bytes = size - synced_.end;
  if (recovery_.dropped_bytes > 0)
    recovery_.reason = head_at(synced_.end, size) ? "a record's checksum is wrong" : "a record is not whole";
  if (last_offset == 0) return;
  const auto meta_bytes = head_at(last_offset, size)->meta_bytes;
  const auto meta = window(last_offset + kHeadBytes, meta_bytes, size);
  synced_.last.assign(meta.begin(), meta.end());
}

// The whole record at `offset`, or else the next one. A length leads to it, unless it is the length that is damaged: then it is
// looked for byte by byte, in a file that is only read. (An appender must not take for a record what a torn one has as its
// payload.)
std::optional<DiskLog::Found> DiskLog::next_whole(std::uint64_t offset, std::uint64_t end) {
  std::uint64_t passed = 0;
  auto fuel = kSearchBytesMax;
  for (auto head = head_at(offset, end); head; head = head_at(offset, end)) {
    if (is_whole(offset, *head, end)) return Found{offset, *head, passed};
    ++passed;
    const auto next = offset + head->bytes;
    const auto behind = head_at(next, end);
    const bool leads_on = next == end || (behind && is_whole(next, *behind, end));
    if (searches_ && !leads_on) break;
    offset = next;
  }
  if (!searches_) return std::nullopt;
  passed = std::max<std::uint64_t>(passed, 1);
  for (++offset; offset + kHeadBytes <= end && fuel > 0; ++offset) {
    const auto head = head_at(offset, end);
    if (!head || head->meta_bytes == 0 || head->meta_bytes > head->bytes - kHeadBytes) continue;
    fuel -= std::min<std::uint64_t>(fuel, head->bytes);
    if (is_whole(offset, *head, end)) return Found{offset, *head, passed};
  }
  return std::nullopt;
}

// Also syncs: what a predecessor appended and had no time to sync counts as kept, so it has to last.
void DiskLog::cut_end() {
  window_.clear();  // it may show what is cut
  if (size() > synced_.end && ::ftruncate(fd_.get(), static_cast<off_t>(synced_.end)) != 0)
    throw Failure::system("cut the end of " + path_, errno, help_for(errno, path_));
  if (::fsync(fd_.get()) != 0) throw Failure::system("sync " + path_, errno, help_for(errno, path_));
  const auto folder = folder_of(path_);
  if (const int error = sync_folder(folder)) throw Failure::system("sync the folder " + folder, error, help_for(error, path_));
}

// ---- read

// nullopt: no record can stand there, for its length makes no sense or leads beyond the end.
std::optional<DiskLog::Head> DiskLog::head_at(std::uint64_t offset, std::uint64_t end) {
  if (offset > end || end - offset < kHeadBytes) return std::nullopt;
  ByteReader in(window(offset, kHeadBytes, end));
  Head head;
  head.bytes = in.number<std::uint32_t>();
  head.crc = in.number<std::uint32_t>();
  head.meta_bytes = in.number<std::uint32_t>();
  if (head.bytes < kHeadBytes || head.bytes > kRecordBytesMax || head.bytes > end - offset) return std::nullopt;
  return head;
}

// In pieces, so that looking through a file needs no more memory than a window.
bool DiskLog::is_whole(std::uint64_t offset, const Head& head, std::uint64_t end) {
  if (head.meta_bytes > std::min<std::size_t>(head.bytes - kHeadBytes, kRecordMetaBytesMax)) return false;
  const auto record_end = offset + head.bytes;
  std::uint32_t crc = 0;
  for (offset += kHeadBytesUnchecked; offset < record_end;) {
    const auto piece = window(offset, std::min<std::uint64_t>(record_end - offset, kWindowBytes), end);
    crc = crc32c(piece, crc);
    offset += piece.size();
  }
  return crc == head.crc;
}

// `bytes` of the file from `offset` on; reads on a little, but never behind `end`, where an appender may still change what lies
// there.
std::span<const std::byte> DiskLog::window(std::uint64_t offset, std::size_t bytes, std::uint64_t end) {
  if (offset >= window_offset_ && offset - window_offset_ + bytes <= window_.size())
    return std::span(window_).subspan(offset - window_offset_, bytes);
  const auto wanted = std::max<std::uint64_t>(bytes, std::min<std::uint64_t>(kWindowBytes, end - offset));
  if (window_.capacity() > 2 * std::max<std::uint64_t>(wanted, kWindowBytes)) window_ = {};  // a large record was there
  window_.resize(wanted);
  window_offset_ = offset;
  for (std::size_t done = 0; done < window_.size();) {
    const auto n = ::pread(fd_.get(), window_.data() + done, window_.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    const int error = errno;
    window_.clear();
    if (n == 0) throw Failure(path_ + " became shorter while it was read", "let nobody but the hub change it");
    throw Failure::system("read " + path_, error, help_for(error, path_));
  }
  return std::span(window_).first(bytes);
}

std::optional<DiskLog::Record> DiskLog::read_next(Cursor& at) {
  at.offset = std::max<std::uint64_t>(at.offset, kFileHeaderBytes);
  const auto found = next_whole(at.offset, synced_.end);
  if (!found) return std::nullopt;
  at.offset = found->offset + found->head.bytes;
  const auto bytes = window(found->offset + kHeadBytes, found->head.bytes - kHeadBytes, synced_.end);
  return Record{bytes.first(found->head.meta_bytes), bytes.subspan(found->head.meta_bytes)};
}

std::optional<std::span<const std::byte>> DiskLog::last() const {
  if (now_.records == 0) return std::nullopt;
  return now_.last;
}

// ---- append

std::optional<Failure> DiskLog::append(std::span<const std::byte> meta, std::span<const std::span<const std::byte>> payload) {
  std::size_t payload_bytes = 0;
  for (const auto part : payload) payload_bytes += part.size();
  if (meta.size() > kRecordMetaBytesMax || payload_bytes > kRecordBytesMax - kHeadBytes - meta.size())
    return Failure("a record of " + size_text(payload_bytes) + " is too large for " + path_);

  const auto bytes = static_cast<std::uint32_t>(kHeadBytes + meta.size() + payload_bytes);
  ByteWriter meta_bytes;
  meta_bytes.number(static_cast<std::uint32_t>(meta.size()));
  auto crc = crc32c(meta, crc32c(meta_bytes.bytes()));
  for (const auto part : payload) crc = crc32c(part, crc);
  ByteWriter head;
  append_bytes(buffer_, head.number(bytes).number(crc).bytes());
  append_bytes(buffer_, meta_bytes.bytes());
  append_bytes(buffer_, meta);
  now_.end += bytes;
  ++now_.records;
  now_.last.assign(meta.begin(), meta.end());

  if (payload_bytes > kCopiedBytesMax) return flush(payload);
  for (const auto part : payload) append_bytes(buffer_, part);
  return buffer_.size() >= kBufferBytes ? flush({}) : std::nullopt;
}

// Writes the buffer and, behind it, the payload of its last record, as far as that is not in the buffer.
std::optional<Failure> DiskLog::flush(std::span<const std::span<const std::byte>> payload) {
  std::vector<iovec> parts{part_of(buffer_)};
  std::uint64_t bytes = buffer_.size();
  for (const auto part : payload) {
    parts.push_back(part_of(part));
    bytes += part.size();
  }
  if (const int error = write_all(fd_.get(), parts, now_.end - bytes)) return take_back("write", error);
  buffer_.clear();
  return std::nullopt;
}

std::optional<Failure> DiskLog::sync() {
  if (auto failure = write_out()) return failure;
  if (!unsynced_) return std::nullopt;
  if (::fdatasync(fd_.get()) != 0) return take_back("sync", errno);
  unsynced_ = false;
  synced_ = now_;
  return std::nullopt;
}

std::optional<Failure> DiskLog::write() {
  if (auto failure = write_out()) return failure;
  synced_ = now_;
  return std::nullopt;
}

std::optional<Failure> DiskLog::write_out() {
  if (now_.records == synced_.records) return std::nullopt;
  if (auto failure = flush({})) return failure;
  unsynced_ = true;
  return std::nullopt;
}

void DiskLog::begin_write_back() const { (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }

// What cannot be cut off now (that fails too) is written over by the next record, or cut when the file is opened again.
Failure DiskLog::take_back(const char* what, int error) {
  buffer_.clear();
  now_ = synced_;
  (void)!::ftruncate(fd_.get(), static_cast<off_t>(synced_.end));
  return Failure::system(std::string(what) + " " + path_, error, help_for(error, path_));
}

std::optional<Failure> DiskLog::set_done(const std::string& path, std::uint32_t records) {
  auto opened = paths::open_existing(path, O_WRONLY);
  if (!opened) return failure_of(opened.problem(), help_for(opened.problem().error, path));
  ByteWriter number;
  number.number(records);
  iovec part = part_of(number.bytes());
  if (const int error = write_all(opened.fd(), {&part, 1}, kMagic.size() + sizeof kVersion))
    return Failure::system("write " + path, error, help_for(error, path));
  if (::fdatasync(opened.fd()) != 0) return Failure::system("sync " + path, errno, help_for(errno, path));
  return std::nullopt;
}

std::optional<Failure> DiskLog::remove() {
  fd_.reset();
  const paths::Entry entry(path_);
  if (!entry) return failure_of(entry.problem());
  if (const int error = entry.remove(); error != 0 && error != ENOENT)
    return Failure::system("delete " + path_, error, help_for(error, path_));
  if (const int error = sync_folder(folder_of(path_)))
    return Failure::system("sync the folder of " + path_, error, help_for(error, path_));
  return std::nullopt;
}

}  // namespace standpipe::log
