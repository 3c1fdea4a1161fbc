// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/fd.h"

namespace standpipe::deliver {

// Memory that a worker and a handler's process share, as this process has mapped it. Its size is
// sealed: a process that made it shorter would end the other one, too (SIGBUS). What a plugin forks
// does not take it along.
//
// `use`: what it is for, in messages: "the calls of a handler's process".
class SharedMemory {
 public:
  // New, and all zeros. `name`: what /proc shows. Throws Failure.
  SharedMemory(const char* name, std::uint64_t bytes, const std::string& use);
  // As another process made it, of a size within these bounds. Throws Failure.
  SharedMemory(Fd file, std::uint64_t bytes_least, std::uint64_t bytes_most,
               const std::string& use);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::byte* base() const { return base_; }
  std::uint64_t bytes() const { return bytes_; }
  int fd() const { return file_.get(); }
  void close_file() { file_.reset(); }  // it stays mapped

 private:
  void map(const std::string& use);

  Fd file_;
  std::uint64_t bytes_;
  std::byte* base_ = nullptr;
};

}  // namespace standpipe::deliver
