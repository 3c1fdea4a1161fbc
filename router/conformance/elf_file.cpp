// SPDX-License-Identifier: Apache-2.0
#include "conformance/elf_file.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/failure.h"
#include "plugin/shared_object.h"

namespace standpipe::conformance {
namespace {

// Reads within the bytes of the file, whatever its tables say.
class Image {
 public:
  explicit Image(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  template <class T>
  T at(std::uint64_t offset) const {
    T value{};
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof value) damaged();
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::string text(std::uint64_t offset) const {
    if (offset >= bytes_.size()) damaged();
    return {bytes_.data() + offset, ::strnlen(bytes_.data() + offset, bytes_.size() - offset)};
  }
  [[noreturn]] void damaged() const {
    throw Failure(path_ + " has tables that lead out of the file", "build it anew");
  }

 private:
  std::string path_;
  std::string bytes_;
};

void add_symbol(ElfFile& file, const ElfW(Sym) & symbol, const std::string& name) {
  const auto binding = symbol.st_info >> 4;
  const auto visibility = symbol.st_other & 3;
  const bool is_seen = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
  if (binding == STB_LOCAL || name.empty()) return;
  if (symbol.st_shndx == SHN_UNDEF) {
    if (binding != STB_WEAK) file.imports.push_back(name);
  } else if (is_seen && symbol.st_shndx != SHN_ABS) {
    file.exports.push_back(name);
  }
}

void read_symbols(const Image& image, const ElfW(Ehdr) & header, ElfFile& file) {
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = image.at<ElfW(Shdr)>(header.e_shoff + i * sizeof(ElfW(Shdr)));
    if (section.sh_type != SHT_DYNSYM) continue;
    const auto texts =
        image.at<ElfW(Shdr)>(header.e_shoff + section.sh_link * sizeof(ElfW(Shdr))).sh_offset;
    for (std::uint64_t at = 0; at + sizeof(ElfW(Sym)) <= section.sh_size; at += sizeof(ElfW(Sym))) {
      const auto symbol = image.at<ElfW(Sym)>(section.sh_offset + at);
      add_symbol(file, symbol, image.text(texts + symbol.st_name));
    }
  }
}

void read_dynamic(const Image& image, const ElfW(Phdr) & segment, ElfFile& file) {
  for (std::uint64_t at = 0; at + sizeof(ElfW(Dyn)) <= segment.p_filesz; at += sizeof(ElfW(Dyn))) {
    const auto entry = image.at<ElfW(Dyn)>(segment.p_offset + at);
    if (entry.d_tag == DT_NULL) return;
    if (entry.d_tag == DT_FLAGS_1) file.is_kept = entry.d_un.d_val & DF_1_NODELETE;
    if (entry.d_tag == DT_TEXTREL || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL)))
      file.has_text_relocations = true;
  }
}

}  // namespace

ElfFile ElfFile::read(const std::string& path) {
  if (const auto problem = plugin::shared_object_problem(path)) throw Failure(*problem);
  const Image image(path);
  const auto header = image.at<ElfW(Ehdr)>(0);
  ElfFile file;
  file.has_executable_stack = true;  // unless it says otherwise
  read_symbols(image, header, file);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = image.at<ElfW(Phdr)>(header.e_phoff + i * sizeof(ElfW(Phdr)));
    if (segment.p_type == PT_GNU_STACK) file.has_executable_stack = segment.p_flags & PF_X;
    if (segment.p_type == PT_DYNAMIC) read_dynamic(image, segment, file);
  }
  return file;
}

}  // namespace standpipe::conformance
