// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

// The beginning of the memory that outlives a worker: all of it that the keeper reads or writes.
// The rest (router/state/FORMAT.md) is the worker's. Plain numbers, aligned, each written by one
// side only; written with release, read with acquire (std::atomic_ref).
namespace standpipe::state {

constexpr auto kMemoryName = "memory";                      // that it is kept by
constexpr std::uint64_t kMemoryMagic = 0x3165706970647473;  // "stdpipe1"
constexpr std::uint32_t kMemoryVersion = 10;

struct SharedHeader {
  // ---- written once by the worker that makes the memory
  std::uint64_t magic = 0;
  std::uint32_t version = 0;
  std::uint32_t header_bytes = 0;    // sizeof(SharedHeader) as its maker knew it
  std::uint64_t bytes = 0;           // of the whole memory
  std::uint64_t watches_offset = 0;  // of `watches` Watch records
  std::uint64_t watches = 0;
  // ---- written by the worker
  std::uint64_t progress = 0;  // counts up whenever something became final: deaths with none
                               // between are without progress
  // ---- written by the keeper, between two workers
  std::uint64_t deaths = 0;       // of workers, since this memory was made
  std::uint64_t last_status = 0;  // as waitpid gave it, of the last one
};

constexpr std::size_t kWatchNameBytes = 24;
constexpr std::size_t kWatchCallBytes = 8;

// A handler's call as the keeper watches it.
struct Watch {
  // ---- written by the worker
  std::uint64_t call =
      0;  // counts up when a call begins and when it ends: odd while one is in progress
  std::uint64_t timeout_ns = 0;  // 0: it may take for ever
  std::uint64_t on_loop =
      0;  // the same as `call`, for calls of any kind that the worker's loop waits for
  char name[kWatchNameBytes]{};  // of the handler, for people; cut, and ended by a zero
  // ---- written by the keeper
  std::uint64_t hung = 0;   // the call (its odd number) for which it killed the worker
  std::uint64_t stuck = 0;  // the same of `on_loop`
  // ---- written by the worker before `on_loop` becomes odd: what the call is, for people
  std::uint64_t first = 0;         // sequence of its first message
  std::uint64_t messages = 0;      // 0: it is not a call of handle
  char source[kWatchNameBytes]{};  // of the messages; cut, and ended by a zero
  char what[kWatchCallBytes]{};    // "handle", "open", ...
};
static_assert(sizeof(Watch) == 112);

// What the other side writes.
inline std::uint64_t load_acquire(std::uint64_t& word) {
  return std::atomic_ref(word).load(std::memory_order_acquire);
}

}  // namespace standpipe::state
