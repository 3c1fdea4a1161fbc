// SPDX-License-Identifier: Apache-2.0
//
// What a metadata block before every batch costs a log: bench_log MESSAGE_BYTES META_BYTES SECONDS.
// Two logs take turns of the same batches of 64 KiB, one with a block that gives each message one
// field, one without. Each batch is appended, read by one reader and trimmed. Prints two rates,
// messages a second: without, with.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/log.h"
#include "log/meta_block.h"

using namespace standpipe;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBatchBytes = 64 * KiB;
constexpr std::uint64_t kSet = 1;

struct Batch {
  std::vector<std::byte> frames;
  std::vector<std::byte> fields;  // of one message
  std::uint32_t count;
};

Batch make_batch(std::size_t message_bytes, std::size_t meta_bytes) {
  Batch batch;
  const auto most = static_cast<std::size_t>(log::kBlockMessagesMax);
  batch.count =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(kBatchBytes / message_bytes, 1, most));
  batch.frames.assign(batch.count * message_bytes, std::byte{'x'});
  const std::string value(meta_bytes, 'v');
  log::MetaBlockWriter block;
  if (!block.add("key", std::as_bytes(std::span(value)))) std::exit(2);
  block.end_message();
  const auto fields = log::MetaBlock::read(block.finish())->fields(0);
  batch.fields.assign(fields.begin(), fields.end());
  return batch;
}

// One log with one reader.
class Side {
 public:
  explicit Side(const Batch& batch) : batch_(batch) {}

  void append() {
    const auto room = log_.room(batch_.frames.size());
    if (room.size() < batch_.frames.size()) std::exit(3);
    finish(room);
  }
  void append_described() {
    block_.clear();
    for (std::uint32_t i = 0; i < batch_.count; ++i) {
      block_.add_fields(batch_.fields);
      block_.end_message();
    }
    const auto room = log_.add_block(block_.finish(), batch_.frames.size(), batch_.count);
    if (room.empty()) std::exit(3);
    finish(room);
  }
  void read_and_trim() {
    log_.read_each(at_, 0, [&](const log::Piece& piece) {
      for (std::size_t i = 0; i < piece.bytes.size(); i += 64)
        sum_ += static_cast<unsigned>(piece.bytes[i]);
      at_ = piece.end;
      return true;
    });
    at_ = log_.end();
    log_.trim(at_);
  }
  unsigned sum() const { return sum_; }

 private:
  void finish(std::span<std::byte> room) {
    std::memcpy(room.data(), batch_.frames.data(), batch_.frames.size());
    log_.filled(batch_.frames.size());
    if (!log_.add_run(batch_.frames.size(), batch_.count, ++time_, 1, {&kSet, 1})) std::exit(4);
    memory_.commit();
  }

  const Batch& batch_;
  state::Memory memory_{{.memory_max = 16 * MiB, .logs = 1, .deliveries = 1}};
  log::Arena arena_{memory_};
  log::Log log_{arena_, {.id = 0, .size_max = 8 * MiB, .readers = 1}};
  log::MetaBlockWriter block_;
  log::Cursor at_ = log_.end();
  std::uint64_t time_ = 0;
  unsigned sum_ = 0;
};

// Seconds that so many batches take.
double turn(Side& side, bool described, int batches) {
  const auto began = SteadyClock::now();
  for (int i = 0; i < batches; ++i) {
    described ? side.append_described() : side.append();
    side.read_and_trim();
  }
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4)
    return std::fprintf(stderr, "usage: bench_log MESSAGE_BYTES META_BYTES SECONDS\n"), 2;
  const auto batch =
      make_batch(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10));
  const auto end =
      SteadyClock::now() + std::chrono::duration<double>(std::strtod(argv[3], nullptr));
  constexpr int kBatches = 200;
  auto without = std::make_unique<Side>(batch), with = std::make_unique<Side>(batch);
  std::vector<double> bare, described;
  do {
    bare.push_back(turn(*without, false, kBatches));
    described.push_back(turn(*with, true, kBatches));
  } while (SteadyClock::now() < end);
  const double messages = static_cast<double>(batch.count) * kBatches;
  std::printf("%.0f %.0f\n", messages / median(bare), messages / median(described));
  return without->sum() + with->sum() == 1;  // so that nothing is left out
}
