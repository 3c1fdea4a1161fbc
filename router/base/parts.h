// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace standpipe {

// Texts by name, as one process leaves them to another: what a worker works with, or what a child
// found out in a file that has no path (a memfd), and in data_dir what the next hub is to know. It
// is read whole or not at all: its maker may have died while it wrote.
//
//   "NAME BYTES\n" and so many bytes for each, then "end 0\n"
//
// Names are words. What was never set is empty.
class Parts {
 public:
  void set(std::string_view name, std::string_view text) {
    texts_.insert_or_assign(std::string(name), std::string(text));
  }
  void set(std::string_view name, std::uint64_t number) { set(name, std::to_string(number)); }
  const std::string& text(std::string_view name) const;
  std::uint64_t number(std::string_view name) const;  // 0: it is none
  bool operator==(const Parts&) const = default;

  // `called` is for whoever looks into /proc. Throws Failure.
  Fd write(const char* called) const;
  void write_to(int file) const;  // in memory, and empty
  std::string bytes() const;      // of such a file
  static Parts read(int file);

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace standpipe
