// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"

namespace standpipe::deliver {

// The files of the queue on disk that one source has for one handler: DATA_DIR/queue/SOURCE/HANDLER
// has segments, each of which has the number of its first message as its name. So their names say
// how many messages each has, but for the last one.
class QueueSegments {
 public:
  QueueSegments(const std::string& data_dir, std::string_view source, std::string_view handler);

  const std::string& folder() const { return folder_; }
  std::string path(std::uint64_t first) const;
  // The numbers of their first messages, in order. Throws Failure.
  std::vector<std::uint64_t> find() const;
  std::uint64_t bytes(std::uint64_t first) const;  // of the file; 0: it is not there
  // Makes the folder, which is on the disk then. Throws Failure.
  void make_folder() const;
  // Returns 0, or an errno.
  int remove(std::uint64_t first) const;
  // Why it cannot be opened now, which says nothing of what is in it: the process has too many
  // descriptors, say, or no permission.
  std::optional<Failure> passing_trouble(std::uint64_t first) const;
  // What cannot be read stays there under another name (set_aside.h), which is returned.
  std::string set_aside(std::uint64_t first, const Failure& why) const;

  // Sources and handlers that have a segment. Throws Failure.
  static std::vector<std::pair<std::string, std::string>> all(const std::string& data_dir);

 private:
  std::string root_, folder_;
};

}  // namespace standpipe::deliver
