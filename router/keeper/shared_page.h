// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "state/shared_header.h"

namespace standpipe::keeper {

// The keeper's view of the memory that outlives workers. It maps the header and the watches
// (shared_header.h) and nothing else. Sizes are read once and checked against the file; what a
// damaged worker writes over them later changes nothing here.
class SharedPage {
 public:
  // Throws Failure when this is not such a memory.
  explicit SharedPage(int memory);

  std::uint64_t bytes() const {
    return bytes_;
  }  // of the whole file, most of which is never touched
  std::uint64_t progress() const;
  void count_death(int status);
  std::span<state::Watch> watches() const;

 private:
  // A range of the file, mapped for as long as this lives.
  class Mapping {
   public:
    Mapping(int memory, std::size_t offset, std::size_t bytes);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    void* at() const { return at_; }

   private:
    void* base_ = nullptr;
    std::size_t mapped_ = 0;
    void* at_ = nullptr;
  };
  struct Places {
    std::uint64_t bytes;
    std::size_t watches_offset;
    std::size_t watches;
  };
  SharedPage(int memory, const Places& places);
  static Places check(int memory);
  state::SharedHeader& header() const { return *static_cast<state::SharedHeader*>(header_.at()); }

  std::uint64_t bytes_;
  std::size_t watches_count_;
  Mapping header_;
  Mapping watches_;
};

}  // namespace standpipe::keeper
