// SPDX-License-Identifier: Apache-2.0
#include "control/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/failure.h"

namespace standpipe::control {
namespace {

constexpr const char* kRunFolder = "/run/standpipe";
constexpr const char* kPlaceRemedy = "name another place: --control PATH";

}  // namespace

std::vector<std::string> default_paths() {
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  return default_paths(runtime_dir ? runtime_dir : "", ::geteuid(), ::access(kRunFolder, W_OK) == 0);
}

std::vector<std::string> default_paths(std::string_view runtime_dir, uid_t user, bool run_is_writable) {
  std::vector<std::string> paths;
  if (runtime_dir.starts_with('/')) paths.push_back(std::string(runtime_dir) + "/standpipe/control");
  if (user == 0 || run_is_writable) paths.push_back(std::string(kRunFolder) + "/control");
  paths.push_back("/tmp/standpipe-" + std::to_string(user) + "/control");
  return paths;
}

void make_private_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw Failure::system("make the control socket's folder " + folder, errno, kPlaceRemedy);
  struct stat st {};
  if (::lstat(folder.c_str(), &st) != 0) throw Failure::system("look at " + folder, errno, kPlaceRemedy);
  if (!S_ISDIR(st.st_mode)) throw Failure(folder + " is no folder, so the control socket cannot be there", kPlaceRemedy);
  if (st.st_uid != ::geteuid() && st.st_uid != 0)
    throw Failure(folder + " belongs to another user, who could put a control socket of their own there", kPlaceRemedy);
  if (st.st_mode & 022)
    throw Failure("other users may write to " + folder + ", and so put a control socket of their own there",
                  "chmod go-w " + folder + ", or " + kPlaceRemedy);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace standpipe::control
