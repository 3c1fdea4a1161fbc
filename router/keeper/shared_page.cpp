// SPDX-License-Identifier: Apache-2.0
#include "keeper/shared_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/failure.h"

namespace standpipe::keeper {
namespace {

constexpr std::uint64_t kWatchesMax = 65'536;

void require(bool holds, const char* otherwise) {
  if (!holds) throw Failure(std::string("this is not the memory of a worker: ") + otherwise);
}

}  // namespace

SharedPage::Mapping::Mapping(int memory, std::size_t offset, std::size_t bytes) {
  if (bytes == 0) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto before = offset % page;
  mapped_ = before + bytes;
  base_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                 static_cast<off_t>(offset - before));
  if (base_ == MAP_FAILED) throw Failure::system("map the memory of a worker", errno);
  at_ = static_cast<char*>(base_) + before;
}

SharedPage::Mapping::Mapping(Mapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), mapped_(other.mapped_), at_(other.at_) {}

SharedPage::Mapping& SharedPage::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(mapped_, other.mapped_);
  std::swap(at_, other.at_);
  return *this;
}

SharedPage::Mapping::~Mapping() {
  if (base_) ::munmap(base_, mapped_);
}

SharedPage::Places SharedPage::check(int memory) {
  struct stat st {};
  state::SharedHeader h;
  if (::fstat(memory, &st) != 0) throw Failure::system("look at the memory of a worker", errno);
  require(S_ISREG(st.st_mode) && ::pread(memory, &h, sizeof h, 0) == sizeof h, "it is too small");
  const auto size = static_cast<std::uint64_t>(st.st_size);
  require(h.magic == state::kMemoryMagic, "its first bytes are others");
  require(h.version == state::kMemoryVersion && h.header_bytes == sizeof h,
          "it is of another version");
  require(h.bytes <= size, "it was cut");
  require(h.watches <= kWatchesMax, "it has too many handlers");
  require(h.watches_offset % alignof(state::Watch) == 0 && h.watches_offset <= h.bytes &&
              h.watches * sizeof(state::Watch) <= h.bytes - h.watches_offset,
          "handlers' calls lie outside of it");
  // A faulty worker that truncates the file would kill the keeper too (SIGBUS). The call fails
  // where the memory was not made for sealing.
  (void)::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK);
  return {h.bytes, h.watches_offset, h.watches};
}

SharedPage::SharedPage(int memory) : SharedPage(memory, check(memory)) {}

SharedPage::SharedPage(int memory, const Places& places)
    : bytes_(places.bytes),
      watches_count_(places.watches),
      header_(memory, 0, sizeof(state::SharedHeader)),
      watches_(memory, places.watches_offset, places.watches * sizeof(state::Watch)) {}

std::uint64_t SharedPage::progress() const {
  return std::atomic_ref(header().progress).load(std::memory_order_acquire);
}

void SharedPage::count_death(int status) {
  std::atomic_ref(header().last_status)
      .store(static_cast<std::uint64_t>(status), std::memory_order_release);
  std::atomic_ref(header().deaths).fetch_add(1, std::memory_order_release);
}

std::span<state::Watch> SharedPage::watches() const {
  return {static_cast<state::Watch*>(watches_.at()), watches_count_};
}

}  // namespace standpipe::keeper
