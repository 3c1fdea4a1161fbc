// SPDX-License-Identifier: Apache-2.0
#include "plugin/shared_object.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace standpipe::plugin {
namespace {

constexpr const char* kNoObject = "it is not a shared object of this machine";
constexpr std::size_t kSegmentsMost = 1024;  // a usual plugin has ten

bool read_whole_at(const Fd& file, void* to, std::size_t bytes, std::uint64_t offset) {
  return ::pread(file.get(), to, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

bool is_of_this_machine(const ElfW(Ehdr) & header) {
  ElfW(Ehdr) ours{};
  Fd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const bool is_known = self && read_whole_at(self, &ours, sizeof ours, 0);
  return std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) == ELFMAG &&
         header.e_type == ET_DYN &&
         header.e_ident[EI_CLASS] == (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) &&
         (!is_known || header.e_machine == ours.e_machine);
}

}  // namespace

std::optional<std::string> shared_object_problem(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::generic_category().message(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return std::generic_category().message(errno);
  if (!S_ISREG(status.st_mode)) return "it is not a regular file";
  ElfW(Ehdr) header{};
  if (!read_whole_at(file, &header, sizeof header, 0) || !is_of_this_machine(header))
    return kNoObject;
  std::vector<ElfW(Phdr)> segments(header.e_phnum);
  if (header.e_phentsize != sizeof(ElfW(Phdr)) || segments.empty() ||
      segments.size() > kSegmentsMost)
    return kNoObject;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::uint64_t needed = header.e_phoff + segments.size() * sizeof(ElfW(Phdr));
  if (needed <= size &&
      !read_whole_at(file, segments.data(), segments.size() * sizeof(ElfW(Phdr)), header.e_phoff))
    return kNoObject;
  for (const auto& segment : segments)
    if (segment.p_type == PT_LOAD)
      needed = std::max<std::uint64_t>(needed, segment.p_offset + segment.p_filesz);
  if (needed <= size) return std::nullopt;
  return "it is truncated: " + counted(size, "byte") + " of at least " + thousands(needed);
}

}  // namespace standpipe::plugin
