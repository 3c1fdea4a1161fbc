// SPDX-License-Identifier: Apache-2.0
#include "log/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/limits.h"
#include "base/pages.h"

namespace standpipe::log {
namespace {

constexpr std::uint64_t kAddressesPerByte = 8;  // of the arena, so that fragmentation hardly ever refuses what the budget allows
constexpr std::uint64_t kAddressesPerLog = 2 * MiB;  // for what a stop takes out of a FIFO beyond that budget
constexpr std::uint64_t kUndoBytes = 4 * MiB;        // 30,000 lines; a batch of 1,024 alternating outcomes takes 1,500
constexpr std::uint64_t kUndoLinesADelivery = 8;     // one transaction may change every delivery: a message for all, a stop

std::uint64_t whole_lines(std::uint64_t bytes) { return (bytes + Memory::kLine - 1) / Memory::kLine * Memory::kLine; }

}  // namespace

// Offsets from the memory's beginning; FORMAT.md tells them to people.
struct Memory::Header {
  keeper::SharedHeader shared;
  // ---- never changed
  alignas(kLine) MemoryPlan plan;
  // ---- noted
  alignas(kLine) std::uint64_t records_used;
  std::uint32_t blocks_used;  // that were ever taken
  std::uint32_t free_block;   // the first of a list through the blocks
  std::uint32_t free_count;
  // ---- the step: plain while it lasts, noted when it ends
  alignas(kLine) std::uint64_t step;
  std::uint64_t moved;
  // ---- plain
  alignas(kLine) std::uint64_t undo_used;
  alignas(kLine) std::uint64_t culprit;
};

// An old value.
struct Memory::Entry {
  std::uint64_t line;
  std::byte bytes[kLine];
};

namespace {

// A record: this, the name, then what it holds at the next line's beginning.
struct RecordHeader {
  std::uint64_t bytes;  // of what it holds
  std::uint32_t name_bytes;
  std::uint32_t plain;
};

}  // namespace

Memory::Header& Memory::header() const { return *reinterpret_cast<Header*>(base_); }
keeper::SharedHeader& Memory::shared() const { return header().shared; }
std::span<keeper::Watch> Memory::watches() const {
  return {reinterpret_cast<keeper::Watch*>(base_ + watches_offset_), plan_.handlers};
}

void Memory::lay_out() {
  const auto [memory_max, logs, deliveries, handlers] = plan_;
  watches_offset_ = whole_pages(sizeof(Header));
  undo_offset_ = watches_offset_ + whole_pages(handlers * sizeof(keeper::Watch));
  undo_bytes_ = kUndoBytes + deliveries * kUndoLinesADelivery * sizeof(Entry);
  records_offset_ = undo_offset_ + whole_pages(undo_bytes_);
  records_bytes_ = whole_pages(1 * MiB + logs * 2 * KiB + deliveries * 2560 + handlers * (8 + 8 * kOutputsMax) * KiB);
  blocks_offset_ = records_offset_ + records_bytes_;
  blocks_ = static_cast<std::uint32_t>(8192 + 256 * handlers + 2 * deliveries);
  arena_offset_ = blocks_offset_ + whole_pages(std::uint64_t{blocks_} * kBlock);
  arena_bytes_ = whole_pages(memory_max) * kAddressesPerByte + logs * kAddressesPerLog;
  bytes_ = arena_offset_ + arena_bytes_;
}

void Memory::map(std::uint64_t bytes) {
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory_.get(), 0);
  if (mapped == MAP_FAILED)
    throw Failure::system("map memory for the logs", errno, "set a smaller memory_max, or raise the limit of addresses: ulimit -v");
  base_ = static_cast<std::byte*>(mapped);
  bytes_ = bytes;
  (void)::madvise(mapped, bytes, MADV_DONTFORK);  // a plugin's child must not write here
}

Memory::Memory(const MemoryPlan& plan) : plan_(plan) {
  lay_out();
  memory_.reset(::memfd_create("standpipe-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory_ || ::ftruncate(memory_.get(), static_cast<off_t>(bytes_)) != 0)
    throw Failure::system(
        "make memory for the logs", errno,
        errno == EFBIG ? "raise the limit of file sizes (ulimit -f, LimitFSIZE=), or set a smaller memory_max" : "");
  map(bytes_);
  auto& h = header();
  h.plan = plan_;
  h.blocks_used = 1;  // number 0 is none
  h.shared = {.version = keeper::kMemoryVersion,
              .header_bytes = sizeof(keeper::SharedHeader),
              .bytes = bytes_,
              .watches_offset = watches_offset_,
              .watches = plan_.handlers};
  store_in_order(h.shared.magic, std::uint64_t{keeper::kMemoryMagic});
}

Memory::Memory(Fd memory) : recovered_(true), memory_(std::move(memory)) {
  struct stat st {};
  if (::fstat(memory_.get(), &st) != 0) throw Failure::system("look at the memory of an earlier worker", errno);
  const auto bytes = static_cast<std::uint64_t>(st.st_size);
  if (bytes < sizeof(Header)) throw Damaged("it is too short");
  map(bytes);
  const auto& h = header();
  plan_ = h.plan;
  const bool sane = h.shared.magic == keeper::kMemoryMagic && h.shared.version == keeper::kMemoryVersion &&
                    plan_.memory_max <= kMemoryMaxMost && plan_.logs < (1u << 24) && plan_.deliveries < (1u << 28) &&
                    plan_.handlers < (1u << 24);
  if (!sane) throw Damaged("it is of another version, or was overwritten");
  lay_out();
  if (bytes_ != bytes || h.shared.bytes != bytes) throw Damaged("its size is not what its header says");
  roll_back();
  believe();
  read_records();
}

Memory::~Memory() {
  if (base_) ::munmap(base_, bytes_);
}

// ---- the journal of old values

void Memory::save(std::uint64_t line) {
  auto& h = header();
  INVARIANT(h.undo_used + sizeof(Entry) <= undo_bytes_, h.undo_used);
  auto& entry = *reinterpret_cast<Entry*>(base_ + undo_offset_ + h.undo_used);
  entry.line = line;
  std::memcpy(entry.bytes, base_ + line * kLine, kLine);
  store_in_order(h.undo_used, std::uint64_t{h.undo_used + sizeof(Entry)});
  seen_[line % seen_.size()] = {line, transaction_};
#ifndef NDEBUG
  saved_.push_back(line);
#endif
}

std::uint64_t& Memory::culprit() const { return header().culprit; }

void Memory::count_progress() { store_in_order(shared().progress, std::uint64_t{shared().progress + 1}); }

bool Memory::pending() const { return header().undo_used != 0; }

void Memory::commit() {
  check_shadow();
  ++transaction_;
  if (pending()) store_in_order(header().undo_used, std::uint64_t{0});
}

void Memory::roll_back() {
  auto& h = header();
  if (h.undo_used > undo_bytes_ || h.undo_used % sizeof(Entry) != 0) throw Damaged("its journal has no end");
  for (auto at = h.undo_used; at > 0;) {
    at -= sizeof(Entry);
    const auto& entry = *reinterpret_cast<const Entry*>(base_ + undo_offset_ + at);
    const bool is_noted = entry.line == offsetof(Header, records_used) / kLine || entry.line == offsetof(Header, step) / kLine ||
                          (entry.line >= records_offset_ / kLine && entry.line < bytes_ / kLine);
    if (!is_noted) throw Damaged("its journal points to what is never noted");
    std::memcpy(base_ + entry.line * kLine, entry.bytes, kLine);
  }
  store_in_order(h.undo_used, std::uint64_t{0});
}

// Whatever was changed since the last commit must have been noted. In debug builds, while there is little to compare.
void Memory::check_shadow() {
#ifndef NDEBUG
  constexpr std::uint64_t kMost = 128 * KiB;
  const auto known = shadow_.size();
  shadow_.resize(std::min(header().records_used, kMost));
  const auto* records = base_ + records_offset_;
  for (const auto& name : order_) {
    if (name.starts_with(kCallRecords) || name == kCrashRecord) continue;  // plain: a plugin's thread may be writing there
    const auto& place = records_.at(name);
    const auto begin = place.offset - records_offset_, end = begin + whole_lines(place.bytes);
    if (end > shadow_.size()) break;
    for (auto at = begin; at < end; at += kLine) {
      const bool same = at + kLine > known || std::memcmp(records + at, shadow_.data() + at, kLine) == 0;
      const bool noted = same || std::find(saved_.begin(), saved_.end(), (records_offset_ + at) / kLine) != saved_.end();
      INVARIANT(noted, "changed without a note", name, at - begin);
      std::memcpy(shadow_.data() + at, records + at, kLine);
    }
  }
  saved_.clear();
#endif
}

// ---- the step

void Memory::begin(Step step, std::size_t index, std::uint64_t bytes) {
  auto& h = header();
  INVARIANT(h.undo_used == 0 && h.step == 0, h.undo_used, h.step);
  store_in_order(h.moved, bytes);
  store_in_order(h.step, std::uint64_t{static_cast<std::uint32_t>(step)} << 32 | static_cast<std::uint32_t>(index));
}

void Memory::moved(std::uint64_t bytes) {
  INVARIANT(!pending());
  store_in_order(header().moved, bytes);
}

void Memory::end() {
  note(&header().step, sizeof header().step);
  header().step = 0;
}

Step Memory::step() const { return static_cast<Step>(header().step >> 32); }
std::size_t Memory::step_index() const { return header().step & 0xffffffffu; }
std::uint64_t Memory::step_moved() const { return header().moved; }

// ---- records

std::span<std::byte> Memory::plain_record(std::string_view name, std::size_t bytes) { return record(name, bytes); }

std::span<std::byte> Memory::record(std::string_view name, std::size_t bytes) {
  if (const auto found = records_.find(std::string(name)); found != records_.end()) {
    if (found->second.bytes != bytes) throw Damaged("its record " + std::string(name) + " has another size");
    return {base_ + found->second.offset, bytes};
  }
  const auto begin = header().records_used;
  const auto held = begin + whole_lines(sizeof(RecordHeader) + name.size());
  const auto end = held + whole_lines(bytes);
  if (end > records_bytes_) throw Failure("there is no more room in the hub's shared memory", "use fewer handlers or outputs");
  const RecordHeader head{bytes, static_cast<std::uint32_t>(name.size()), 0};
  std::memcpy(base_ + records_offset_ + begin, &head, sizeof head);
  std::memcpy(base_ + records_offset_ + begin + sizeof head, name.data(), name.size());
  std::memset(base_ + records_offset_ + held, 0, end - held);  // what a rolled-back record left
  note(&header().records_used, sizeof header().records_used);
  header().records_used = end;
  records_.emplace(name, Place{records_offset_ + held, bytes});
  order_.emplace_back(name);
  return {base_ + records_offset_ + held, bytes};
}

std::span<const std::byte> Memory::find(const std::string& name) const {
  const auto found = records_.find(name);
  if (found == records_.end()) return {};
  return {base_ + found->second.offset, found->second.bytes};
}

void Memory::read_records() {
  for (std::uint64_t at = 0; at < header().records_used;) {
    RecordHeader head{};
    std::memcpy(&head, base_ + records_offset_ + at, sizeof head);
    const auto held = at + whole_lines(sizeof head + head.name_bytes);
    const auto end = held + whole_lines(head.bytes);
    if (head.name_bytes > 2 * kPageBytes || head.bytes > records_bytes_ || end > header().records_used)
      throw Damaged("a record reaches beyond the records");
    const std::string name(reinterpret_cast<const char*>(base_ + records_offset_ + at + sizeof head), head.name_bytes);
    if (!records_.emplace(name, Place{records_offset_ + held, head.bytes}).second) throw Damaged("a record is there twice");
    order_.push_back(name);
    at = end;
  }
}

std::vector<std::string> Memory::records(std::string_view prefix) const {
  std::vector<std::string> names;
  for (const auto& name : order_)
    if (name.starts_with(prefix)) names.push_back(name);
  return names;
}

// ---- blocks

std::uint32_t Memory::take_block() {
  auto& h = header();
  note(&h.records_used, kLine);
  if (h.free_block) {
    const auto taken = h.free_block;
    std::memcpy(&h.free_block, block(taken), sizeof h.free_block);
    --h.free_count;
    return taken;
  }
  INVARIANT(h.blocks_used < blocks_, blocks_);
  return h.blocks_used++;
}

void Memory::give_block(std::uint32_t number) {
  auto& h = header();
  note(&h.records_used, kLine);
  note(block(number), sizeof h.free_block);
  std::memcpy(block(number), &h.free_block, sizeof h.free_block);
  h.free_block = number;
  ++h.free_count;
}

std::size_t Memory::free_blocks() const { return blocks_ - header().blocks_used + header().free_count; }

void Memory::claim_block(std::uint32_t number) {
  if (!recovered_) return;
  if (number >= claimed_.size() || claimed_[number]) throw Damaged("two have one block");
  claimed_[number] = true;
}

// ---- belief

void Memory::believe() {
  const auto& h = header();
  if (h.records_used > records_bytes_ || h.records_used % kLine != 0) throw Damaged("its records have no end");
  if (h.blocks_used == 0 || h.blocks_used > blocks_ || h.free_count >= h.blocks_used) throw Damaged("its blocks do not add up");
  claimed_.resize(h.blocks_used);
  std::uint32_t count = 0;
  for (auto b = h.free_block; b != 0; ++count) {
    if (b >= h.blocks_used || claimed_[b]) throw Damaged("its list of free blocks is no list");
    claimed_[b] = true;
    std::memcpy(&b, block(b), sizeof b);
  }
  if (count != h.free_count) throw Damaged("its free blocks do not add up");
  const auto step = h.step >> 32;
  if (step > static_cast<std::uint32_t>(Step::push)) throw Damaged("it says a step that there is not");
}

}  // namespace standpipe::log
