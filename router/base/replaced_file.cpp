// SPDX-License-Identifier: Apache-2.0
#include "base/replaced_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/folder.h"
#include "base/opening.h"

namespace standpipe {
namespace {

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) content.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

std::optional<Failure> replace_file(const std::string& path, std::string_view content, bool syncs) {
  const auto temporary = path + ".tmp";
  const auto open = [&] {
    return paths::open_or_create(temporary, O_WRONLY | O_TRUNC, 0600, own_file());
  };
  auto opened = open();
  // A FIFO, a link: nothing that a hub has made.
  if (!opened && paths::Entry(temporary, own_file()).remove() == 0) opened = open();
  if (!opened) return failure_of(opened.problem());
  const paths::Entry entry(temporary, own_file());
  if (!entry) return failure_of(entry.problem());
  const auto failed = [&](int error) {
    (void)entry.remove();
    return Failure::system("write " + path, error);
  };
  if (const int error = write_all(opened.fd(), content)) return failed(error);
  if (syncs && ::fdatasync(opened.fd()) != 0) return failed(errno);
  if (const int error = entry.rename_to(path.substr(path.rfind('/') + 1))) return failed(error);
  if (syncs) (void)sync_folder(folder_of(path));
  return std::nullopt;
}

}  // namespace standpipe
