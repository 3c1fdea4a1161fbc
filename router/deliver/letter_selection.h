// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"

namespace standpipe::deliver {

// Reads those dead letters that fit a filter, a piece at a time, so that whoever reads them has
// only so many in memory, and his thread something else to do between. Files that were closed later
// than the last one it was told of are none of its business: so what becomes a letter while others
// are replayed is not replayed with them.
//
// One thread at a time.
class LetterSelection {
 public:
  static constexpr std::size_t kPieceBytes = 256 * KiB;  // or one larger message
  static constexpr std::size_t kPieceLetters = 512;
  static constexpr std::size_t kLookedAtBytes = 4 * MiB;  // for a piece, whether they fit or not

  struct Letter {
    std::uint64_t identity = 0;
    std::string source, handler;
    std::string payload, fields;
  };

  // `except`: letters that are left out, by their identities.
  LetterSelection(std::string data_dir, LetterFilter filter, std::uint64_t last_file,
                  std::unordered_set<std::uint64_t> except = {})
      : data_dir_(std::move(data_dir)),
        filter_(std::move(filter)),
        last_file_(last_file),
        except_(std::move(except)) {}

  // The next ones, in the order in which they were dead-lettered; may be none. Throws Failure.
  std::vector<Letter> next();
  // The same, without their bytes.
  std::vector<Letter> next_names();
  bool is_over() const { return is_over_; }

 private:
  std::vector<Letter> read(bool with_bytes);

  std::string data_dir_;
  LetterFilter filter_;
  std::uint64_t last_file_;
  std::unordered_set<std::uint64_t> except_;
  std::optional<DeadLetterReader> reader_;
  bool is_over_ = false;
};

}  // namespace standpipe::deliver
