// SPDX-License-Identifier: Apache-2.0
#include "log/file_header.h"

#include <sys/random.h>

#include <algorithm>
#include <optional>
#include <random>
#include <span>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/failure.h"
#include "base/text.h"
#include "log/batch_finder.h"
#include "log/record_finder.h"
#include "log/record_head.h"
#include "log/refusal.h"

namespace standpipe::log {
namespace {

// Every version from 3 on keeps the first 24 bytes as they are.
constexpr std::size_t kVersionAt = 8, kPlainDoneAt = 12;
constexpr const char* kDamaged = "its header is damaged";
constexpr std::size_t kCheckAt = 12, kSaltAt = 16, kDoneAt = 24, kDoneCheckAt = 28;

std::uint64_t random_number() {
  std::uint64_t n = 0;
  if (::getrandom(&n, sizeof n, 0) == static_cast<ssize_t>(sizeof n)) return n;
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

ByteWriter magic_and_version(std::uint32_t version) {
  ByteWriter out;
  for (const char c : kMagic) out.number(static_cast<std::uint8_t>(c));
  out.number(version);
  return out;
}

std::uint32_t salted(std::span<const std::byte> bytes, std::uint64_t salt) {
  ByteWriter out;
  return crc32c(bytes, crc32c(out.number(salt).bytes()));
}

bool begins_with(std::span<const std::byte> bytes, std::span<const std::byte> start) {
  return std::equal(bytes.begin(), bytes.end(), start.begin(), start.begin() + bytes.size());
}

std::span<const std::byte> start_of(FileWindow& window, std::uint64_t file_bytes) {
  return window.view(0, std::min<std::uint64_t>(file_bytes, kFileHeaderBytes), file_bytes);
}

// What its first bytes say, whether they are sound or not.
class Start {
 public:
  Start(std::span<const std::byte> bytes)
      : has_magic_(bytes.size() >= kPlainHeaderBytes &&
                   begins_with(bytes.first(kMagic.size()), magic_and_version(0).bytes())) {
    if (bytes.size() < kPlainHeaderBytes) return;
    version_ = number_at(bytes, kVersionAt);
    plain_done_ = number_at(bytes, kPlainDoneAt);
    if (bytes.size() < kFileHeaderBytes) return;
    check_ = number_at(bytes, kCheckAt);
    salt_ = long_number_at(bytes, kSaltAt);
    done_ = number_at(bytes, kDoneAt);
    is_done_sound_ = number_at(bytes, kDoneCheckAt) == salted(bytes.subspan(kDoneAt, 4), salt_);
  }
  bool has_magic() const { return has_magic_; }
  std::uint32_t version() const { return version_; }
  std::uint64_t salt() const { return salt_; }
  bool is_done_sound() const { return is_done_sound_; }
  std::uint32_t done() const { return is_done_sound_ ? done_ : 0; }
  std::uint32_t plain_done() const { return plain_done_; }
  // Whether the checksum is that of a file of this version.
  bool fits(std::uint32_t version) const {
    return check_ == salted(magic_and_version(version).bytes(), salt_);
  }

 private:
  bool has_magic_, is_done_sound_ = false;
  std::uint32_t version_ = 0, check_ = 0, done_ = 0, plain_done_ = 0;
  std::uint64_t salt_ = 0;
};

FileHeader batched(std::uint64_t salt, const Start& start, std::string damage) {
  FileHeader header{.salt = salt, .done = start.done(), .damage = std::move(damage)};
  if (!start.is_done_sound()) header.damage = kDamaged;
  return header;
}

// A plain file whose version is damaged: version 2 reads both.
bool is_plain_record(FileWindow& window, std::uint64_t file_bytes) {
  const auto head =
      RecordFinder(window, kFieldsVersion, false).head_at(kPlainHeaderBytes, file_bytes);
  return head && is_whole(window, kPlainHeaderBytes, *head, file_bytes);
}

NewerVersion refusal_of_version(const std::string& path, std::uint32_t version,
                                std::uint32_t newest) {
  return NewerVersion(path + " is a disk log of version " + std::to_string(version) +
                          "; this Standpipe knows versions up to " + std::to_string(newest),
                      "use the Standpipe that wrote it, or mv it away");
}

}  // namespace

std::vector<std::byte> FileHeader::encoded() const {
  auto out = magic_and_version(version);
  if (is_plain()) {
    out.number(done);
    return {out.bytes().begin(), out.bytes().end()};
  }
  out.number(salted(out.bytes(), salt)).number(salt);
  std::vector<std::byte> bytes(out.bytes().begin(), out.bytes().end());
  const auto last = done_encoded();
  bytes.insert(bytes.end(), last.begin(), last.end());
  return bytes;
}

std::vector<std::byte> FileHeader::done_encoded() const {
  ByteWriter out;
  out.number(done);
  if (!is_plain()) out.number(salted(out.bytes(), salt));
  return {out.bytes().begin(), out.bytes().end()};
}

std::uint64_t FileHeader::done_at() const { return is_plain() ? kPlainDoneAt : kDoneAt; }

FileHeader FileHeader::fresh() { return {.salt = random_number()}; }

bool FileHeader::is_unfinished(FileWindow& window, std::uint64_t file_bytes) {
  const auto start = start_of(window, file_bytes);
  if (std::ranges::all_of(start, [](auto b) { return b == std::byte{0}; }))
    return file_bytes <= kFileHeaderBytes;
  const auto magic = magic_and_version(kBatchVersion);
  if (file_bytes < kPlainHeaderBytes)
    return begins_with(start.first(std::min(start.size(), kMagic.size())), magic.bytes());
  return file_bytes < kFileHeaderBytes &&
         begins_with(start.first(magic.bytes().size()), magic.bytes());
}

// A header that is not sound is only taken for that of a damaged file of version 3 if a batch, or
// its checksum, shows that it is one.
FileHeader FileHeader::read(FileWindow& window, const std::string& path, std::uint64_t file_bytes,
                            std::uint32_t newest) {
  const Start start(start_of(window, file_bytes));
  if (start.has_magic() && start.version() > kBatchVersion && start.fits(start.version()))
    throw refusal_of_version(path, start.version(), newest);
  if (file_bytes >= kFileHeaderBytes && start.fits(kBatchVersion)) {
    if (newest < kBatchVersion) throw refusal_of_version(path, kBatchVersion, newest);
    const bool is_sound = start.has_magic() && start.version() == kBatchVersion;
    return batched(start.salt(), start, is_sound ? "" : kDamaged);
  }
  const auto first = std::min<std::uint64_t>(file_bytes, kFileHeaderBytes);
  const auto batch = window.view(first, std::min(file_bytes - first, kBatchHeadBytes), file_bytes);
  auto salt = HeadFormat::salt_of(batch, kFileHeaderBytes);
  const bool is_plain =
      start.has_magic() && start.version() >= kFirstVersion && start.version() < kBatchVersion;
  if (!salt && is_plain) {
    if (start.version() > newest) throw refusal_of_version(path, start.version(), newest);
    return {.version = start.version(), .done = start.plain_done()};
  }
  if (!salt) salt = find_salt(window, first, file_bytes);
  if (salt) return batched(*salt, start, kDamaged);
  if (!start.has_magic()) {
    const auto begin = start_of(window, file_bytes);
    throw NotADiskLog(path + " is not a disk log (it begins with " +
                          hex_excerpt(begin.first(std::min(begin.size(), kMagic.size()))) + ")",
                      "mv it away");
  }
  if (is_plain_record(window, file_bytes))
    return {.version = kFieldsVersion, .done = start.plain_done(), .damage = kDamaged};
  if (start.version() > newest) throw refusal_of_version(path, start.version(), newest);
  return batched(random_number(), start, kDamaged);
}

}  // namespace standpipe::log
