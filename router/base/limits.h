// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

// Every bound of the hub in one place, and what it sums up to.
//
//   memory   logs         memory_max (default 256 MiB), mapped from one memfd; touched only where messages wait
//            batches      one a handler: kBatchMessages views of 32 B and as many outcomes
//            outputs      one a FIFO: a journal of kJournalEntries, 64 B each
//            stages       kernel memory: one of kStageBytes a worker, one of kOutputStageBytes an output
//            answers      at the control socket: kControlAnswersBytesMax
//   descriptors           one a FIFO source; four an output (FIFO, stage twice, and a read end while a dead reader's pipe is
//   drained);
//                         about 20 of the hub's own, and kControlClientsMax
//   threads               one for each handler that may block, and one for the hub
namespace standpipe {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;
constexpr std::size_t GiB = 1024 * MiB;

constexpr std::uint64_t kMemoryMaxDefault = 256 * MiB;
constexpr std::uint64_t kMemoryMaxLeast = 1 * MiB;
constexpr std::uint64_t kMemoryMaxMost = 64 * GiB;  // bounds the address space that the arena maps
constexpr std::uint64_t kMessageSizeMaxDefault = 16 * MiB;
constexpr std::uint64_t kMessageSizeMaxMost = 1 * GiB;
constexpr std::uint64_t kLogSizeDefault = 1 * MiB;  // the largest pipe an ordinary user may have: one FIFO's worth
constexpr std::uint64_t kLogSizeLeast = 16 * KiB;
constexpr std::uint64_t kLogSizeMost = 16 * GiB;
constexpr std::uint64_t kOverflowMaxDefault = 1 * GiB;  // of one source, on disk
constexpr std::uint64_t kOverflowMaxMost = 1024 * GiB;

// A segment is what a log grows and shrinks by. 256 KiB stays in a core's second-level cache between the copy in and the copy out.
constexpr std::size_t kSegmentBytes = 256 * KiB;
constexpr std::size_t kSegmentBytesLeast = 16 * KiB;

// The stage between FIFOs and logs: one a worker. pipe-max-size of an ordinary user.
constexpr std::size_t kStageBytes = 1 * MiB;
// What a FIFO of ours holds for its reader, and what waits before it when it is full: a relay keeps some turns' worth there.
constexpr std::size_t kOutputFifoBytes = 256 * KiB;
constexpr std::size_t kOutputStageBytes = 1 * MiB;

// A frame larger than a segment reserves all its memory when it begins. One of which nothing came for that long is given up when
// others wait for memory: a writer that hangs is likelier than one that is so slow.
constexpr Nanoseconds kDribbleMax = std::chrono::seconds(60);

constexpr std::uint32_t kBatchMessages = 1024;
constexpr std::size_t kBatchBytes = 256 * KiB;  // a larger single message is a batch of its own
constexpr std::size_t kJournalEntries = 1024;
constexpr std::size_t kOutputsMax = 16;  // of one handler

// The control socket: commands that ask a running hub.
constexpr std::size_t kControlClientsMax = 16;
constexpr std::size_t kControlRequestBytesMax = 4 * KiB;
constexpr std::size_t kControlAnswersBytesMax = 16 * MiB;  // of all clients together, while they are slow to read

// What a hub may have. A delivery (a source and a handler that some route joins) costs about 2 KiB of memory, and a handler
// that may block costs a thread.
constexpr std::size_t kHandlersMax = 10'000;
constexpr std::size_t kDeliveriesMax = 200'000;

// Configuration: a file larger than this is no configuration.
constexpr std::size_t kConfigBytesMax = 4 * MiB;
constexpr std::size_t kConfigNodesMax = 200'000;  // visited, so that aliases of aliases do not explode
constexpr std::size_t kConfigDepthMax = 64;
constexpr std::size_t kConfigErrorsMax = 50;  // shown; the rest are counted

}  // namespace standpipe
