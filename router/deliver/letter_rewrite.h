// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/failure.h"
#include "deliver/letter_filter.h"

namespace standpipe::deliver {

// Takes letters out of files that are closed: each is written anew without them, beside itself, and
// then the new one takes its place. The first is the long part, and nobody need wait for it, since
// a closed file changes no more; the second is one system call. So a purge of all that there is
// keeps a letter that comes meanwhile waiting for one file at most, and the hub's loop for none.
//
//   while (!rewrite.is_over()) { rewrite.prepare(); /* alone with the files: */ rewrite.replace();
//   }
//
// Whatever it is ended at, each file is the old one or the new one, whole.
class LetterRewrite {
 public:
  // `filter`: which ones; none: no more than those that were replayed. `paths`: in this order.
  LetterRewrite(std::optional<LetterFilter> filter, std::unordered_set<std::uint64_t> replayed,
                std::vector<std::string> paths);

  bool is_over() const { return at_ == paths_.size(); }
  // What cannot be written is a failure of that file, and the others are written all the same.
  void prepare();
  void replace();

  std::uint64_t gone() const { return gone_; }  // that were not gone already, as they were replayed
  // The first one.
  const std::optional<Failure>& failure() const { return failure_; }

 private:
  struct Prepared {
    std::uint64_t gone = 0;
    std::string anew;  // empty: nothing is left of the file
  };
  std::optional<Prepared> write_beside(const std::string& path) const;
  void take_place(const std::string& path);

  std::optional<LetterFilter> filter_;
  std::unordered_set<std::uint64_t> replayed_;
  std::vector<std::string> paths_;
  std::size_t at_ = 0;
  std::optional<Prepared> prepared_;  // of paths_[at_]; none: nothing of it goes
  std::uint64_t gone_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace standpipe::deliver
