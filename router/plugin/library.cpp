// SPDX-License-Identifier: Apache-2.0
#include "plugin/library.h"

#include <sys/statvfs.h>

#include <boost/dll/shared_library.hpp>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "plugin/pinned_file.h"
#include "plugin/shared_object.h"

namespace standpipe::plugin {
namespace {

constexpr const char* kEntry = "standpipe_plugin_v1";

// Boost wraps the loader's own words: "... (dlerror system message: WORDS): Bad file descriptor".
std::string loaders_words(std::string_view text) {
  constexpr std::string_view kBefore = "dlerror system message: ";
  const auto begin = text.find(kBefore);
  const auto end = text.rfind("): ");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
    return std::string(text);
  return std::string(text.substr(begin + kBefore.size(), end - begin - kBefore.size()));
}

// `file`: what is loaded for it.
std::unique_ptr<boost::dll::shared_library> load(const std::string& path,
                                                 const std::string& file) try {
  if (const auto problem = shared_object_problem(file))
    throw Failure(path + " cannot be loaded: " + *problem);
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  return std::make_unique<boost::dll::shared_library>(file, rtld_now | rtld_local);
} catch (const Failure&) {
  throw;
} catch (const std::exception& e) {
  struct statvfs system {};
  if (::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC))
    throw Failure(path + " cannot be loaded: its file system is mounted noexec",
                  "put plugins on a file system that programs may be run from");
  throw Failure(path + " cannot be loaded: " + loaders_words(e.what()),
                "ldd -r " + path + " shows what is missing");
}

// For the process's life: the destructor of a library unloads it.
boost::dll::shared_library& keep(std::unique_ptr<boost::dll::shared_library> library) {
  static auto* const kept = new std::vector<std::unique_ptr<boost::dll::shared_library>>();
  return *kept->emplace_back(std::move(library));
}

// The loader takes two files of one name for the same, so the descriptor stays, and with it its
// number.
std::string name_of_copy(Fd copy) {
  static auto* const kept = new std::vector<Fd>();
  return "/proc/self/fd/" + std::to_string(kept->emplace_back(std::move(copy)).get());
}

}  // namespace

Library::Library(const std::string& path, const std::string& sha256) {
  const auto& library =
      keep(load(path, sha256.empty() ? path : name_of_copy(pinned_copy(path, sha256))));
  if (!library.has(kEntry))
    throw Failure(path + " is no Standpipe plugin: it does not export " + kEntry,
                  "end the plugin's source with STANDPIPE_PLUGIN(Class), and link it with the "
                  "SDK's version script");
  description_ = library.get<const standpipe_plugin*()>(kEntry)();
  if (!description_) throw Failure(path + " is a broken plugin: " + kEntry + " returned nothing");
}

}  // namespace standpipe::plugin
