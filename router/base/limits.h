// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

// The bounds of the hub, and what they add up to.
//
//   memory
//     logs         memory_max, 256 MiB by default: of one memfd, and only where messages lie
//     batches      one a handler: views of kBatchMessages messages, and as many outcomes
//     outputs      one a FIFO or file: a queue of kJournalEntries ranges
//     stages       in the kernel: kStageBytes a worker, kOutputStageBytes an output
//     matching     one JSON document of match_max at a time, and 15 times that of buffers
//     patterns     1 MiB each, 240 MiB all; sets of them 16 MiB each, 64 MiB all
//     answers      at the control socket: kControlAnswersBytesMax for all clients
//   descriptors    base/open_files counts them
//   queues         on disk: files of kDiskQueueSizeDefault a source and handler, if not said
//                  otherwise, and a log of kDiskQueueLogBytes, within memory_max; of handlers that
//                  are away, overflow_max for all of them
//   dead letters   kDeadLettersMaxDefault in data_dir, if not said otherwise
//   spill          what is in memory when the hub stops (at most memory_max), and on disk already
//   replays        of dead letters: of kReplaysMax sources and handlers in a run, with a log of
//                  kReplayLogBytes each, within memory_max, and as much again of what was read
//   threads        the hub's, one that watches the keeper, one a handler that may block or has a
//                  process, one a file that is written, one for all queues on disk, one for letters
//   processes      one a handler that has its own; what it may take is its memory_max
namespace standpipe {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;
constexpr std::size_t GiB = 1024 * MiB;

constexpr std::uint64_t kMemoryMaxDefault = 256 * MiB;
constexpr std::uint64_t kMemoryMaxLeast = 1 * MiB;
constexpr std::uint64_t kMemoryMaxMost = 64 * GiB;  // bounds the address space that the arena maps
constexpr std::uint64_t kMessageSizeMaxDefault = 16 * MiB;
constexpr std::uint64_t kMessageSizeMaxMost = 1 * GiB;
// A payload above this is not looked into by routes. A JSON document takes about 16 times its size
// while it is looked into.
constexpr std::uint64_t kMatchMaxDefault = 1 * MiB;
constexpr std::uint64_t kMatchMaxMost = 64 * MiB;
// What the patterns of a source that may be slow may cost for one message, in steps of 10 to 20 ns:
// about half a second. A turn of the loop ends when it has spent as much (match/pattern_cost.h).
constexpr std::uint64_t kPatternStepsMax = std::uint64_t{1} << 25;
constexpr std::uint64_t kLogSizeDefault =
    1 * MiB;  // the largest pipe an ordinary user may have: one FIFO's worth
constexpr std::uint64_t kLogSizeLeast = 16 * KiB;
constexpr std::uint64_t kLogSizeMost = 16 * GiB;
constexpr std::uint64_t kOverflowMaxDefault = 1 * GiB;  // of all handlers, on disk
constexpr std::uint64_t kOverflowMaxMost = 1024 * GiB;

// A queue on disk: of one source and one handler.
constexpr std::uint64_t kDiskQueueSizeDefault = 1 * GiB;
constexpr std::uint64_t kDiskQueueSizeLeast = 1 * MiB;
constexpr std::uint64_t kDiskQueueSizeMost = 1024 * GiB;
// The log of a queue on disk: what comes back from its files on the way to the handler.
constexpr std::uint64_t kDiskQueueLogBytes = 1 * MiB;

// A replay of dead letters, of one source and one handler: what lies in its log is at most so much,
// or one larger message, and so many messages at once.
constexpr std::size_t kReplaysMax = 256;
constexpr std::uint64_t kReplayLogBytes = 1 * MiB;
constexpr std::size_t kReplayWindow = 1024;

// A log grows and shrinks by segments. 256 KiB stays in a core's second-level cache between the
// copy in and the copy out.
constexpr std::size_t kSegmentBytes = 256 * KiB;
constexpr std::size_t kSegmentBytesLeast = 16 * KiB;

// The stage between FIFOs and logs: one a worker. pipe-max-size of an ordinary user.
constexpr std::size_t kStageBytes = 1 * MiB;
// The capacity of an output's FIFO and of its stage. When the FIFO is full, a relay keeps some
// turns' worth in the stage.
constexpr std::size_t kOutputFifoBytes = 256 * KiB;
constexpr std::size_t kOutputStageBytes = 1 * MiB;

// A frame larger than a segment reserves all its memory when it begins. If nothing of it comes for
// this long while others wait for memory, it is abandoned: its writer more likely hangs than is
// that slow.
constexpr Nanoseconds kDribbleMax = std::chrono::seconds(60);

constexpr std::uint32_t kBatchMessages = 1024;
constexpr std::size_t kBatchBytes = 256 * KiB;  // a larger single message is a batch of its own
constexpr std::uint32_t kNotesMax = 64;  // reasons of single messages that a batch has room for
constexpr std::size_t kJournalEntries = 1024;
constexpr std::size_t kOutputsMax = 16;  // of one handler

// The control socket: commands that ask a running hub.
constexpr std::size_t kControlClientsMax = 16;
constexpr std::size_t kControlRequestBytesMax = 4 * KiB;
constexpr std::size_t kControlAnswersBytesMax =
    16 * MiB;  // of all clients together, while they are slow to read

// Of a handler's process: less than a program begins with is no limit that anyone means.
constexpr std::uint64_t kHandlerMemoryLeast = 16 * MiB;
constexpr std::uint64_t kHandlerMemoryMost = 1024 * GiB;

// What a hub may have. A delivery (a source and a handler that some route joins) costs about 2 KiB
// of memory, and a handler that may block costs a thread.
constexpr std::size_t kHandlersMax = 10'000;
constexpr std::size_t kDeliveriesMax = 200'000;

// Configuration: what is larger than this, all files together, is not a configuration.
constexpr std::size_t kConfigBytesMax = 4 * MiB;
constexpr std::size_t kConfigFilesMax = 1000;
constexpr std::size_t kConfigNodesMax =
    200'000;  // visited, so that aliases of aliases do not explode
constexpr std::size_t kConfigDepthMax = 64;
constexpr std::size_t kConfigErrorsMax = 50;  // shown; the rest are counted

}  // namespace standpipe
