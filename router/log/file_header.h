// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "log/file_window.h"
#include "log/record_format.h"

namespace standpipe::log {

// What a disk log's file begins with.
//
// A damaged header costs nothing but the number `done`: the salt of a file of version 3 also stands
// in each batch, so it is found there, and no start is refused because of it.
struct FileHeader {
  std::uint32_t version = kNewestVersion;
  std::uint64_t salt = 0;   // 0 in a plain file
  std::uint32_t done = 0;   // its user's number: how many records are done with
  std::string damage = {};  // what of it was wrong, for people; empty: nothing

  bool is_plain() const { return version < kBatchVersion; }
  std::uint64_t bytes() const { return is_plain() ? kPlainHeaderBytes : kFileHeaderBytes; }
  std::vector<std::byte> encoded() const;
  // `done` alone, which changes in place, and where it stands.
  std::vector<std::byte> done_encoded() const;
  std::uint64_t done_at() const;

  // Of a new file, with a salt of its own.
  static FileHeader fresh();
  // Whether its maker died before the header was whole: there is nothing in such a file.
  static bool is_unfinished(FileWindow& window, std::uint64_t file_bytes);
  // Of a file that has one. Throws Failure: it is no disk log, or of a later version than `newest`.
  static FileHeader read(FileWindow& window, const std::string& path, std::uint64_t file_bytes,
                         std::uint32_t newest = kNewestVersion);
};

}  // namespace standpipe::log
