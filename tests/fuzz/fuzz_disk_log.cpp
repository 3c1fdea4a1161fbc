// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the reader of disk logs. Whatever a file has in it: a walk goes forward and stays inside
// of it, what it says is a record is one, and the survey counts the same. And of a log that the
// input makes and then writes over, every record that was not touched comes back.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/failure.h"
#include "log/record_appender.h"
#include "log/survey.h"

using namespace standpipe;
using namespace standpipe::log;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// One file for all inputs.
int file_with(std::span<const std::byte> bytes) {
  static const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  check(::ftruncate(fd, 0) == 0);
  check(write_all(fd, {&bytes, 1}, 0) == 0);
  return fd;
}

// The offsets of all records, in order.
std::vector<std::uint64_t> walk(int fd, const FileHeader& header, std::uint64_t end) {
  LogWalker walker("it", fd, true);
  walker.begin(header);
  std::vector<std::uint64_t> records;
  auto at = header.bytes();
  while (const auto item = walker.next(at, end)) {
    check(item->offset == at && item->bytes > 0 && item->end() <= end);
    if (item->kind == LogWalker::Item::Kind::record) {
      check(is_whole(walker.window(), item->offset, item->record, end));
      records.push_back(item->offset);
    }
    at = item->end();
  }
  const Survey survey(walker, header, end);
  check(survey.recovery().kept == records.size());
  check(survey.end() <= std::max(end, header.bytes()));
  (void)survey.recovery().text();
  return records;
}

void read_anything(std::span<const std::byte> bytes) {
  const int fd = file_with(bytes);
  FileWindow window("it", fd);
  if (FileHeader::is_unfinished(window, bytes.size())) return;
  try {
    walk(fd, FileHeader::read(window, "it", bytes.size()), bytes.size());
  } catch (const Failure&) {
  }
}

// Each byte of the input is a record of that size, or, if it is odd, ends a batch besides; the
// first two say which part is written over, by bytes of the input.
void damage_something(std::span<const std::byte> bytes) {
  if (bytes.size() < 3) return;
  const int fd = file_with({});
  const FileHeader header{.salt = 77};
  RecordAppender appender("it", fd);
  appender.begin_at(header, {.end = header.bytes()});
  struct Extent {
    std::uint64_t begin, end;
  };
  std::vector<Extent> records;
  for (const auto byte : bytes.subspan(2)) {
    const auto n = std::to_integer<std::size_t>(byte);
    const auto payload = bytes.first(std::min(n, bytes.size()));
    check(!appender.append({}, {&payload, 1}, {}));
    const auto end = appender.now().end;
    records.push_back({end - kHeadBytes - payload.size(), end});
    if (n % 2 == 1) check(!appender.write());
  }
  check(!appender.write());
  const auto end = appender.now().end;
  const auto part = [&](std::size_t i, std::uint64_t of) {
    return of * std::to_integer<std::uint64_t>(bytes[i]) / 256;
  };
  const auto begin = header.bytes() + part(0, end - header.bytes());
  const auto damaged = bytes.first(std::min<std::uint64_t>(1 + part(1, bytes.size()), end - begin));
  check(write_all(fd, {&damaged, 1}, begin) == 0);
  const auto found = walk(fd, header, end);
  for (const auto& record : records)
    if (record.end <= begin || record.begin >= begin + damaged.size())
      check(std::ranges::binary_search(found, record.begin));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  read_anything(bytes);
  damage_something(bytes);
  return 0;
}
