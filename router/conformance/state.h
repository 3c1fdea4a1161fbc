// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
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
// The same after `lives`, which run in a thread of their own: the allocator keeps what a thread
// frees for that thread, and counts it as used, until the thread has ended.
std::size_t heap_bytes_after(const std::function<void()>& lives);
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

// What a plugin that is being created must leave as it is: the process, and the folder it is in.
class BeforeCreate {
 public:
  BeforeCreate();
  // What create did all the same; empty: nothing.
  std::string fault() const;

 private:
  Descriptors descriptors_;
  std::size_t threads_;
  ProcessState process_;
};

}  // namespace standpipe::conformance
