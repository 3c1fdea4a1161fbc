// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include "base/text.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/elf_file.h"

namespace standpipe::conformance {
namespace {

void check_file(Subject& subject) { (void)ElfFile::read(subject.request().path); }

// What a sanitizer adds is defined in the program.
bool is_of_sanitizer(std::string_view name) {
  for (const auto* prefix : {"__asan_", "__ubsan_", "__tsan_", "__lsan_", "__sanitizer_"})
    if (name.starts_with(prefix)) return true;
  return false;
}

// Each symbol must be in what the plugin itself links. What this program happens to have loaded is
// no excuse: the next router may not have it.
void check_imports(Subject& subject) {
  subject.load();
  std::vector<std::string> missing;
  for (const auto& name : ElfFile::read(subject.request().path).imports)
    if (!is_of_sanitizer(name) && !::dlsym(subject.library(), name.c_str()))
      missing.push_back(name);
  if (!missing.empty()) throw Problem{"nothing that it links defines " + joined(missing, ", ")};
}

void check_exports(Subject& subject) {
  const auto file = ElfFile::read(subject.request().path);
  std::vector<std::string> others;
  bool has_entry = false;
  for (const auto& name : file.exports) {
    has_entry = has_entry || name == "standpipe_plugin_v1";
    if (name != "standpipe_plugin_v1") others.push_back(name);
  }
  if (!has_entry) throw Problem{"it does not export standpipe_plugin_v1"};
  if (others.empty()) return;
  const auto count = others.size();
  if (count > 5) others.resize(5);
  throw Problem{"it also exports " + joined(others, ", ") +
                (count > 5 ? " and " + std::to_string(count - 5) + " more" : "")};
}

void check_flags(Subject& subject) {
  const auto file = ElfFile::read(subject.request().path);
  if (!file.is_kept) throw Problem{"it may be unloaded while threads still run in it"};
  if (file.has_executable_stack) throw Problem{"it makes the stacks of the whole hub executable"};
  if (file.has_text_relocations) throw Problem{"its code is written to when it is loaded"};
}

}  // namespace

std::vector<Check> file_checks() {
  return {
      {"file", "is a shared object of this machine", "",
       "build it with -shared -fPIC, for this machine; copy it whole", check_file},
      {"imports", "finds all that it calls in what it links", "file",
       "link what it needs, and with -Wl,-z,defs, so that the linker finds what is missing; "
       "nothing can be imported from the hub",
       check_imports},
      {"exports", "exports standpipe_plugin_v1 and nothing else", "imports",
       "end the source with STANDPIPE_PLUGIN(Class), and link with the flags of `pkg-config --libs "
       "standpipe` or with standpipe_add_plugin: they have the version script",
       check_exports},
      {"flags", "is linked so that it can be loaded for good", "imports",
       "link with -Wl,-z,nodelete, as `pkg-config --libs standpipe` and standpipe_add_plugin do, "
       "compile with -fPIC, and leave the stack alone (-z noexecstack)",
       check_flags},
  };
}

}  // namespace standpipe::conformance
