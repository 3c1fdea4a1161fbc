// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/failure.h"
#include "base/parts.h"
#include "base/reporter.h"

namespace standpipe::worker {

// DATA_DIR/resume: where the source plugins go on in the next run (standpipe.accept/1, resume),
// each after messages that are settled, or saved, so that none is lost. Written by renaming, now
// and then while the hub runs, and synced at its end. Sources that the configuration does not have
// now keep what they had.
//
// The format is that of base/parts.h; names are SOURCE/PLUGIN, the source as a file name: what one
// plugin left means nothing to another.
class ResumeNotes {
 public:
  // `reporter` must outlive it.
  ResumeNotes(const std::string& data_dir, Reporter& reporter);

  // Empty: nothing is known.
  std::string of(const std::string& source, const std::string& plugin) const;
  using Places = std::map<std::pair<std::string, std::string>, std::string>;  // by source, plugin
  // Nothing is written when it is what was written last. A failure is reported once.
  void write(const Places& resumes, bool syncs);

 private:
  std::string path_;
  Reporter& reporter_;
  Parts notes_;
  bool has_failed_ = false;
};

}  // namespace standpipe::worker
