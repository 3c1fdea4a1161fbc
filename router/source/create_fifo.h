// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/file_id.h"
#include "base/opening.h"
#include "source/options.h"

namespace standpipe::source {

// Makes and opens named FIFOs safely in folders that others may write to.
struct FifoRequest {
  std::string path;
  unsigned mode = 0600;  // exactly that: the umask is not applied
  bool mode_matters =
      false;  // somebody asked for that mode: an existing FIFO with another mode is reported
  std::optional<std::string> owner = {}, group = {};
  bool create = true;
  bool trust_others = false;  // lifts the rules of standpipe/open.hpp
};

FifoRequest request_of(const SourceOptions& source);

// Makes sure that a FIFO stands at the path, and creates it when it is missing. An existing FIFO
// keeps its mode and owner, and nobody sees a reader or writer come. Returns whether it was
// created, and which file it is. Throws Failure with the remedy: a regular file (made by a shell's
// `>`), a folder, something that another user planted (the rules of standpipe/open.hpp), a missing
// folder, lacking permission, an unknown owner.
struct PreparedFifo {
  bool created = false;
  FileId id;
  // An existing one is not what was asked for, and is kept as it is: in which way, as "has mode
  // 0600, and ... says 0622".
  std::string differs = {};
};
PreparedFifo prepare_fifo(const FifoRequest& request);

// What prepare_fifo would find, or that it could make it (nullopt), as far as that can be known
// without making anything. Opens neither end. Throws Failure as prepare_fifo does.
std::optional<PreparedFifo> inspect_fifo(const FifoRequest& request);

// What a path leads to now, for somebody who has the FIFO `id` open. If it is not `ours`, nobody
// new can open that FIFO.
enum class Named { ours, nothing, another_fifo, no_fifo };
Named what_is_at(const std::string& path, FileId id);

// Opens the read end of what prepare_fifo found: O_RDONLY | O_NONBLOCK | O_CLOEXEC. Throws Failure,
// also when the path was given to something else in between.
Fd open_read_end(const FifoRequest& request, FileId id);

// The rules for what stands at the path: an owner that was asked for may own it.
paths::Rules rules_of(const FifoRequest& request);

}  // namespace standpipe::source
