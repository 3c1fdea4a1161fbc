// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace standpipe::conformance {

// What of this process a plugin can change or use up.

std::size_t count_threads();
// Waits a little for threads that are about to end.
std::size_t count_threads_when_settled(std::size_t wanted);
// Of the heap, in use. What the kit lends is not on the heap.
std::size_t heap_bytes();
// All that is mapped.
std::size_t mapped_bytes();

// Descriptor -> what it leads to.
using Descriptors = std::map<int, std::pair<unsigned long, unsigned long>>;
Descriptors open_descriptors();

// What a call changed of the process, in words; empty: nothing.
class ProcessState {
 public:
  ProcessState();
  std::string changed() const;

 private:
  std::string locale_;
  unsigned mask_ = 0;
  std::map<int, void*> handlers_;
  std::string blocked_;
};

}  // namespace standpipe::conformance
