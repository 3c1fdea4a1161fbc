// SPDX-License-Identifier: Apache-2.0
#include "deliver/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failure.h"

namespace standpipe::deliver {

SharedMemory::SharedMemory(const char* name, std::uint64_t bytes, const std::string& use)
    : file_(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)), bytes_(bytes) {
  if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0 ||
      ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw Failure::system("make memory for " + use, errno);
  map(use);
}

SharedMemory::SharedMemory(Fd file, std::uint64_t bytes_least, std::uint64_t bytes_most,
                           const std::string& use)
    : file_(std::move(file)), bytes_(0) {
  struct stat st {};
  if (::fstat(file_.get(), &st) == 0) bytes_ = static_cast<std::uint64_t>(st.st_size);
  if (bytes_ < bytes_least || bytes_ > bytes_most)
    throw Failure("the memory for " + use + " has another size");
  map(use);
}

SharedMemory::~SharedMemory() { ::munmap(base_, bytes_); }

void SharedMemory::map(const std::string& use) {
  void* at =
      ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_.get(), 0);
  if (at == MAP_FAILED) throw Failure::system("map memory for " + use, errno);
  (void)::madvise(at, bytes_, MADV_DONTFORK);
  base_ = static_cast<std::byte*>(at);
}

}  // namespace standpipe::deliver
