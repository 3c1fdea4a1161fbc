// SPDX-License-Identifier: Apache-2.0
#include "state/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/pages.h"
#include "base/text.h"

namespace standpipe::state {
namespace {

constexpr std::uint64_t kAddressesPerByte =
    8;  // of the arena: fragmentation hardly ever refuses what the budget allows
constexpr std::uint64_t kAddressesPerLog =
    2 * MiB;  // for what a stop takes out of a FIFO beyond that budget
constexpr std::uint64_t kUndoBytes =
    4 * MiB;  // 30,000 lines; a batch of 1,024 alternating outcomes takes 1,500
constexpr std::uint64_t kUndoLinesADelivery =
    8;  // one transaction may change every delivery: a message for all, a stop
constexpr std::uint64_t kMemoryMaxGrowth =
    2;  // then the arena still has four addresses for each byte

// Half as much again, rounded up to a power of two.
std::size_t with_room(std::size_t needed, std::size_t least) {
  return std::max(least, std::bit_ceil(needed + needed / 2));
}

std::string lack(std::size_t needed, std::size_t has, std::string_view what) {
  return needed <= has ? ""
                       : "it has room for " + std::to_string(has) + " " + std::string(what) +
                             ", and the configuration needs " + std::to_string(needed);
}

}  // namespace

// Offsets from the memory's beginning; FORMAT.md documents them.
struct Memory::Header {
  SharedHeader shared;
  // ---- never changed
  alignas(kLine) MemoryPlan plan;
  // ---- logged
  alignas(kLine) std::uint64_t records_used;
  Blocks::BlocksRecord blocks;
  // ---- the step: plain while it lasts, logged when it ends
  alignas(kLine) std::uint64_t step;
  std::uint64_t moved;
  // ---- plain
  alignas(kLine) std::uint64_t undo_used;
  alignas(kLine) std::uint64_t culprit;
};

SharedHeader& Memory::shared() const { return header().shared; }

MemoryPlan MemoryPlan::with_room(const MemoryPlan& needs) {
  return {std::max(kMemoryMaxDefault, std::bit_ceil(needs.memory_max)),
          state::with_room(needs.logs, 64),
          state::with_room(needs.deliveries, 1024),
          state::with_room(needs.handlers, 64),
          state::with_room(needs.outputs, 1024),
          state::with_room(needs.queues, 64),
          kReplaysMax};
}

std::string MemoryPlan::lacks(const MemoryPlan& needs) const {
  if (needs.memory_max > memory_max * kMemoryMaxGrowth)
    return "it has room for a memory_max of " + size_text(memory_max * kMemoryMaxGrowth) +
           ", and the configuration has " + size_text(needs.memory_max);
  for (const auto& text :
       {lack(needs.logs, logs, "sources"), lack(needs.handlers, handlers, "handlers"),
        lack(needs.queues, queues, "queues on disk"),
        lack(needs.deliveries, deliveries, "routes from a source to a handler")})
    if (!text.empty()) return text;
  return {};
}

std::span<Watch> Memory::watches() const {
  return {reinterpret_cast<Watch*>(mapped_.base + layout().watches), plan().handlers};
}

Memory::Layout::Layout(const MemoryPlan& plan) {
  const auto [memory_max, logs, deliveries, handlers, outputs, queues, replays] = plan;
  watches = whole_pages(sizeof(Header));
  undo = watches + whole_pages(handlers * sizeof(Watch));
  undo_bytes = kUndoBytes + deliveries * kUndoLinesADelivery * sizeof(UndoLog::Entry);
  records = undo + whole_pages(undo_bytes);
  records_bytes =
      whole_pages(1 * MiB + logs * 2 * KiB + deliveries * 3 * KiB + handlers * 42 * KiB +
                  outputs * 8 * KiB + queues * 4 * KiB + replays * 16 * KiB);
  blocks = records + records_bytes;
  block_count = static_cast<std::uint32_t>(8192 + 256 * handlers + 2 * deliveries);
  arena = blocks + whole_pages(std::uint64_t{block_count} * kBlock);
  arena_bytes =
      whole_pages(memory_max) * kAddressesPerByte + (logs + queues + replays) * kAddressesPerLog;
  bytes = arena + arena_bytes;
}

// ---- made and mapped

Fd Memory::make(const MemoryPlan& plan) {
  Fd memory(::memfd_create("standpipe-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory && ::ftruncate(memory.get(), static_cast<off_t>(Layout(plan).bytes)) == 0)
    return memory;
  throw Failure::system(
      "make memory for the logs", errno,
      errno == EFBIG
          ? "raise the limit of file sizes (ulimit -f, LimitFSIZE=), or set a smaller memory_max"
          : "");
}

std::uint64_t Memory::size_of(const Fd& memory) {
  struct stat st {};
  if (::fstat(memory.get(), &st) != 0)
    throw Failure::system("look at the memory of an earlier worker", errno);
  const auto bytes = static_cast<std::uint64_t>(st.st_size);
  if (bytes < sizeof(Header)) throw Damaged("it is too short");
  return bytes;
}

namespace {

std::byte* map(const Fd& memory, std::uint64_t bytes) {
  void* mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory.get(), 0);
  if (mapped == MAP_FAILED)
    throw Failure::system("map memory for the logs", errno,
                          "set a smaller memory_max, or raise the limit of addresses: ulimit -v");
  (void)::madvise(mapped, bytes, MADV_DONTFORK);  // a plugin's child must not write here
  return static_cast<std::byte*>(mapped);
}

}  // namespace

Memory::Mapped::Mapped(Fd memory, const MemoryPlan& new_plan, std::uint64_t size, bool is_recovered)
    : fd(std::move(memory)),
      bytes(size),
      base(map(fd, bytes)),
      plan(is_recovered ? header().plan : new_plan),
      layout(plan),
      recovered(is_recovered) {}

Memory::Mapped::~Mapped() { ::munmap(base, bytes); }

Memory::Memory(const MemoryPlan& plan)
    : mapped_(make(plan), plan, Layout(plan).bytes, false),
      undo_(undo_log()),
      records_(undo_, mapped_.base, part(layout().records, layout().records_bytes),
               header().records_used),
      blocks_(undo_, header().blocks, mapped_.base + layout().blocks, layout().block_count, false) {
  write_header();
}

// Its size is asked first: arguments are evaluated in any order, and the descriptor moves.
Memory::Memory(Fd memory) : Memory(size_of(memory), std::move(memory)) {}

Memory::Memory(std::uint64_t bytes, Fd&& memory)
    : mapped_(std::move(memory), {}, bytes, true),
      undo_(rolled_back()),
      records_(undo_, mapped_.base, part(layout().records, layout().records_bytes),
               header().records_used),
      blocks_(undo_, header().blocks, mapped_.base + layout().blocks, layout().block_count, true) {
  if (header().step >> 32 > static_cast<std::uint32_t>(Step::push))
    throw Damaged("it says a step that does not exist");
}

UndoLog Memory::undo_log() const {
  return {mapped_.base, header().undo_used, part(layout().undo, layout().undo_bytes)};
}

// The undo log of an earlier worker, after the header was checked.
UndoLog Memory::rolled_back() const {
  const auto& h = header();
  const auto& plan = mapped_.plan;
  const bool sane = h.shared.magic == kMemoryMagic && h.shared.version == kMemoryVersion &&
                    plan.memory_max <= 2 * kMemoryMaxMost && plan.logs < (1u << 24) &&
                    plan.deliveries < (1u << 28) && plan.handlers < (1u << 24) &&
                    plan.outputs < (1u << 28) && plan.queues < (1u << 24) &&
                    plan.replays < (1u << 24);
  if (!sane) throw Damaged("it is of another version, or was overwritten");
  if (layout().bytes != mapped_.bytes || h.shared.bytes != mapped_.bytes)
    throw Damaged("its size is not what its header says");
  auto undo = undo_log();
  undo.roll_back([this](std::uint64_t offset) {
    const auto line = offset / kLine;
    return line == offsetof(Header, records_used) / kLine ||
           line == offsetof(Header, step) / kLine ||
           (offset >= layout().records && offset < mapped_.bytes);
  });
  return undo;
}

// The magic is stored last: from then on the keeper trusts the rest.
void Memory::write_header() const {
  auto& h = header();
  h.plan = mapped_.plan;
  h.shared = {.version = kMemoryVersion,
              .header_bytes = sizeof(SharedHeader),
              .bytes = mapped_.bytes,
              .watches_offset = layout().watches,
              .watches = plan().handlers};
  store_in_order(h.shared.magic, std::uint64_t{kMemoryMagic});
}

// ---- changing

void Memory::commit() {
  records_.before_commit();
  undo_.commit();
}

std::uint64_t& Memory::culprit() const { return header().culprit; }

void Memory::count_progress() {
  store_in_order(shared().progress, std::uint64_t{shared().progress + 1});
}

// ---- the step

void Memory::begin(Step step, std::size_t index, std::uint64_t bytes) {
  auto& h = header();
  INVARIANT(h.undo_used == 0 && h.step == 0, h.undo_used, h.step);
  store_in_order(h.moved, bytes);
  store_in_order(h.step, std::uint64_t{static_cast<std::uint32_t>(step)} << 32 |
                             static_cast<std::uint32_t>(index));
}

void Memory::moved(std::uint64_t bytes) {
  INVARIANT(!pending());
  store_in_order(header().moved, bytes);
}

void Memory::end() {
  log_undo(&header().step, sizeof header().step);
  header().step = 0;
}

Step Memory::step() const { return static_cast<Step>(header().step >> 32); }
std::size_t Memory::step_index() const { return header().step & 0xffffffffu; }
std::uint64_t Memory::step_moved() const { return header().moved; }

}  // namespace standpipe::state
