// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

// A path in data_dir at which the hub keeps a file or a folder of its own, and where something else
// may stand by now: a restored backup, a script and a slip of the hand leave FIFOs, folders and
// links there. A start moves such a thing aside under a name that tells, and goes on. Nothing is
// ever removed, and nothing is opened that could make the hub wait.
namespace standpipe {

class OwnPlace {
 public:
  enum class Kind { file, folder };
  OwnPlace(std::string path, Kind kind) : path_(std::move(path)), kind_(kind) {}

  // "is a FIFO", "cannot be opened (Permission denied)"; empty: it is what it should be, or nothing
  // is there. A folder may be a symbolic link to one, on a larger disk; a file may not.
  std::string fault() const;
  // A folder that has its kind but cannot be used now: a link whose disk is not mounted, a mode
  // that keeps the hub out. What earlier runs saved may be in it, so it is no place to begin anew.
  // Empty: it is not so.
  std::string closed() const;
  // Returns where it is then: PATH.foreign, or PATH.foreign-2 and so on. Empty: it cannot be moved.
  std::string move_aside() const;

  const std::string& path() const { return path_; }
  Kind kind() const { return kind_; }

 private:
  std::string path_;
  Kind kind_;
};

}  // namespace standpipe
