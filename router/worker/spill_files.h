// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "base/failure.h"
#include "base/reporter.h"
#include "deliver/spill.h"

namespace standpipe::worker {

// What becomes of the files that earlier runs left for one source. One that was served is removed.
// One that a person may want is kept under a name by which no start finds it again: ".damaged" when
// a part of it could not be read, ".unreadable" when none of it can.
class SpillFiles {
 public:
  SpillFiles(std::string source, Reporter& reporter)
      : source_(std::move(source)), reporter_(reporter) {}

  // All of it was read: reports what of it could not be.
  void was_read(const deliver::SpillReader& reader);
  // It cannot be read (any further): keeps it, and reports that.
  void keep_unreadable(const std::string& path, const Failure& failure);
  // Its messages are final, or in another file. One that is not there is no mistake.
  void remove(const std::string& path);
  // The first so many messages of it are not redelivered.
  void set_served(const std::string& path, std::uint64_t messages);

 private:
  std::string source_;
  Reporter& reporter_;
  std::set<std::string> sound_;  // those of which all could be read
};

}  // namespace standpipe::worker
