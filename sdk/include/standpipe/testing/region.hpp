// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/region.hpp: memory that ends at a page which nobody can touch. Part of
// testing.hpp.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace standpipe::testing {

// So many bytes, of which the last one lies directly before a page without access, or before some
// bytes of slack. So one byte too many being read ends the process at once, and not only under a
// sanitizer.
class Region {
 public:
  explicit Region(std::size_t bytes, std::size_t slack = 0) : bytes_(bytes), slack_(slack) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    usable_ = (bytes + slack + page - 1) / page * page;
    mapped_ = usable_ + page;
    base_ = ::mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    if (usable_ > 0 && ::mprotect(base_, usable_, PROT_READ | PROT_WRITE) != 0) {
      (void)::munmap(base_, mapped_);
      throw std::bad_alloc();
    }
  }
  ~Region() {
    if (base_) (void)::munmap(base_, mapped_);
  }
  Region(Region&& other) noexcept
      : bytes_(other.bytes_),
        slack_(other.slack_),
        usable_(other.usable_),
        mapped_(other.mapped_),
        base_(std::exchange(other.base_, nullptr)) {}
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::uint8_t* data() const {
    return static_cast<std::uint8_t*>(base_) + usable_ - slack_ - bytes_;
  }
  std::size_t bytes() const { return bytes_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data());
  }
  void allow_no_writing() const {
    if (usable_ > 0) (void)::mprotect(base_, usable_, PROT_READ);
  }
  // The address stays taken, so that nothing else comes to lie there and hides a late look at it.
  void take_back() const {
    if (usable_ == 0) return;
    (void)::mprotect(base_, usable_, PROT_NONE);
    (void)::madvise(base_, usable_, MADV_DONTNEED);
  }
  bool has(const void* address) const {
    const auto* at = static_cast<const std::uint8_t*>(address);
    return at >= static_cast<std::uint8_t*>(base_) &&
           at < static_cast<std::uint8_t*>(base_) + mapped_;
  }
  bool is_beyond(const void* address) const {
    return has(address) && static_cast<const std::uint8_t*>(address) >= data() + bytes_;
  }

 private:
  std::size_t bytes_;
  std::size_t slack_;
  std::size_t usable_ = 0;
  std::size_t mapped_ = 0;
  void* base_ = nullptr;
};

}  // namespace standpipe::testing
