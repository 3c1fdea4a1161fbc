// SPDX-License-Identifier: Apache-2.0
// A queue of 1,000 records in 20 files, of which any byte is damaged: what is not damaged comes
// back, what is damaged is named, and nothing refuses to start.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/disk_file.h"
#include "log/disk_log.h"

using namespace standpipe;
using log::DiskLog, test::bytes_of, test::text_of;

namespace {

constexpr int kFiles = 20, kRecords = 50;

// Where a record's bytes stand in its file.
struct Extent {
  std::size_t begin, end;
};

struct File {
  std::string path, content;
  std::vector<std::string> records;  // meta and payload
  std::vector<Extent> extents;
};

class Queue {
 public:
  Queue() {
    for (int i = 0; i < kFiles; ++i) make(folder_ / std::to_string(i) + ".log");
  }
  // What is read of that file if it has this content; how it was found to be, in `recovery`.
  std::vector<std::string> read(const File& file, const std::string& content,
                                DiskLog::Access access = DiskLog::Access::read) {
    {
      std::ofstream out(file.path, std::ios::binary | std::ios::trunc);
      out.write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    auto log = DiskLog::open(file.path, access);
    recovery = log.recovery();
    std::vector<std::string> found;
    for (DiskLog::ReadPosition at; const auto record = log.read_next(at);)
      found.push_back(text_of(record->meta) + '=' + text_of(record->payload));
    return found;
  }
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  std::vector<File> files;
  DiskLog::Recovery recovery;

 private:
  // Batches of one to nine records, some of them empty or with bytes of the format in them.
  void make(const std::string& path) {
    auto& file = files.emplace_back(File{path, {}, {}, {}});
    auto log = DiskLog::open(path, DiskLog::Access::append);
    while (static_cast<int>(file.records.size()) < kRecords) {
      const auto in_batch = std::min<std::size_t>(1 + below(9), kRecords - file.records.size());
      for (std::size_t i = 0; i < in_batch; ++i) {
        const auto meta = std::to_string(files.size()) + '/' + std::to_string(file.records.size());
        const auto payload = i % 3 == 0 ? std::string() : std::string(below(60), 'p') + "stdplog\n";
        const auto part = bytes_of(payload);
        REQUIRE_FALSE(log.append(bytes_of(meta), {&part, 1}));
        file.records.push_back(meta + '=' + payload);
        const auto bytes = log::kHeadBytes + meta.size() + payload.size();
        file.extents.push_back({log.bytes() - bytes, log.bytes()});
      }
      REQUIRE_FALSE(log.write());
    }
    std::ifstream in(path, std::ios::binary);
    file.content = {std::istreambuf_iterator<char>(in), {}};
  }

  test::TemporaryFolder folder_;
  std::mt19937 random_{12};
};

// The records of which no byte is in the range.
std::vector<std::string> undamaged(const File& file, Extent damage) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < file.records.size(); ++i)
    if (file.extents[i].end <= damage.begin || file.extents[i].begin >= damage.end)
      out.push_back(file.records[i]);
  return out;
}

// Whether what was found says of that byte that it is damaged.
bool is_named(const DiskLog::Recovery& recovery, const File& file, std::size_t at) {
  if (at < log::kFileHeaderBytes) return !recovery.header.empty();
  if (at >= file.content.size() - recovery.dropped_bytes) return recovery.dropped_bytes > 0;
  return std::ranges::any_of(recovery.ranges, [&](const auto& range) {
    return at >= range.offset && at < range.offset + range.bytes;
  });
}

}  // namespace

TEST_CASE("a queue whose last file is truncated at any byte has all records before it",
          "[exhaustive]") {
  Queue queue;
  const auto& last = queue.files.back();
  for (std::size_t size = 0; size < last.content.size(); ++size) {
    const auto expected = undamaged(last, {size, last.content.size()});
    REQUIRE(queue.read(last, last.content.substr(0, size)) == expected);
    const auto whole = queue.recovery.kept == 0 ? 0 : last.extents[expected.size() - 1].end;
    REQUIRE((whole == 0 || queue.recovery.dropped_bytes == size - whole));
    REQUIRE_FALSE(queue.recovery.is_damaged());
  }
}

TEST_CASE("a queue with a byte flipped lacks one record at most, and names it", "[exhaustive]") {
  Queue queue;
  std::size_t lost = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto& file = queue.files[queue.below(kFiles)];
    const auto at = queue.below(file.content.size());
    auto content = file.content;
    content[at] = static_cast<char>(content[at] ^ static_cast<char>(1 + queue.below(255)));
    const auto expected = undamaged(file, {at, at + 1});
    INFO(file.path << ", byte " << at << ": " << queue.recovery.text());
    REQUIRE(queue.read(file, content) == expected);
    REQUIRE(is_named(queue.recovery, file, at));
    REQUIRE(queue.recovery.damaged <= 1);
    lost += file.records.size() - expected.size();
  }
  CHECK(lost > 5'000);
}

TEST_CASE("a queue with a whole block of the disk lost has every record beside it",
          "[exhaustive]") {
  Queue queue;
  for (int i = 0; i < 1'000; ++i) {
    const auto& file = queue.files[queue.below(kFiles)];
    const auto begin = queue.below(file.content.size());
    const auto bytes = std::min<std::size_t>(1 + queue.below(1'000), file.content.size() - begin);
    if (begin == 0 && bytes == file.content.size()) continue;
    auto content = file.content;
    for (auto at = begin; at < begin + bytes; ++at)
      content[at] = static_cast<char>(content[at] ^ (i % 2 == 0 ? 0x01 : 0xff));
    const auto expected = undamaged(file, {begin, begin + bytes});
    if (begin < log::kFileHeaderBytes && expected.empty()) continue;
    INFO(file.path << ", " << bytes << " from " << begin << ": " << queue.recovery.text());
    REQUIRE(queue.read(file, content) == expected);
    const auto last = std::ranges::find(file.records, expected.empty() ? "" : expected.back());
    const auto until = expected.empty() ? 0u : std::size_t(last - file.records.begin()) + 1;
    const auto lost = until - expected.size();  // before the end
    REQUIRE(queue.recovery.damaged <= lost);    // so many at least
    REQUIRE((queue.recovery.damaged > 0) == (lost > 0));
    REQUIRE(is_named(queue.recovery, file, begin));
    REQUIRE(is_named(queue.recovery, file, begin + bytes - 1));
  }
}

TEST_CASE("a damaged queue can be continued, and is sound where it goes on") {
  Queue queue;
  for (int i = 0; i < 50; ++i) {
    const auto& file = queue.files[queue.below(kFiles)];
    auto content = file.content;
    content.resize(content.size() - queue.below(200));
    content[queue.below(content.size())] ^= 0x55;
    const auto before = queue.read(file, content, DiskLog::Access::append);
    {
      auto log = DiskLog::open(file.path, DiskLog::Access::append);
      const auto part = bytes_of("new");
      REQUIRE_FALSE(log.append(bytes_of("m"), {&part, 1}));
      REQUIRE_FALSE(log.write());
    }
    auto log = DiskLog::open(file.path, DiskLog::Access::read);
    REQUIRE(log.recovery().dropped_bytes == 0);
    REQUIRE(log.records() == before.size() + 1);
    REQUIRE(text_of(*log.last()) == "m");
  }
}
