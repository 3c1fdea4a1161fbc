// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <standpipe/open.hpp>
#include <string>

#include "record.h"

struct Repair {
  std::string reported;    // what was done, for the operator; empty: all was well
  bool was_moved = false;  // the file has another name now, whole: a new one begins
};

// Makes the end of a log file whole again, after whoever wrote it was stopped in the middle of a
// record. It destroys nothing:
//   - A line that was truncated is finished with a newline.
//   - A frame that was truncated is cut off; its bytes are kept beside the file, as NAME.damaged-1
//     (or the next number).
//   - A file that was opened as frames and has something else in it (its first bytes are no whole
//     frame, or there is no length where one should be) is moved to such a name, whole.
Repair repair_tail(int fd, const standpipe::paths::Entry& entry, const std::string& path,
                   Format format);
