// SPDX-License-Identifier: Apache-2.0
#include "deliver/queue_segments.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/failure.h"
#include "base/folder.h"
#include "base/opening.h"
#include "deliver/set_aside.h"
#include "log/disk_error.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kSegmentEnding = ".log";
// No queue comes so far, and sums of two such numbers are numbers.
constexpr std::uint64_t kFirstMost = std::uint64_t{1} << 62;

std::string queues_in(const std::string& data_dir) { return data_dir + "/queue"; }

// The names in a folder; none, if it is not there.
std::vector<std::string> names_found_in(const std::string& folder) {
  std::error_code error;
  auto names = names_in(folder, error);
  const bool is_none =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !is_none)
    throw Failure::system("look into " + folder, error.value(),
                          log::disk_help(error.value(), folder));
  return names;
}

// 0: it is no segment's name.
std::uint64_t first_of(std::string_view name) {
  if (!name.ends_with(kSegmentEnding)) return 0;
  name.remove_suffix(kSegmentEnding.size());
  std::uint64_t first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), first);
  const bool is_whole = error == std::errc() && end == name.data() + name.size();
  return is_whole && first <= kFirstMost ? first : 0;
}

}  // namespace

QueueSegments::QueueSegments(const std::string& data_dir, std::string_view source,
                             std::string_view handler)
    : root_(queues_in(data_dir)),
      folder_(root_ + '/' + as_file_name(source) + '/' + as_file_name(handler)) {}

std::string QueueSegments::path(std::uint64_t first) const {
  return folder_ + '/' + std::to_string(first) + std::string(kSegmentEnding);
}

std::vector<std::uint64_t> QueueSegments::find() const {
  std::vector<std::uint64_t> firsts;
  for (const auto& name : names_found_in(folder_))
    if (const auto first = first_of(name)) firsts.push_back(first);
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

std::uint64_t QueueSegments::bytes(std::uint64_t first) const {
  struct stat status {};
  if (::stat(path(first).c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

void QueueSegments::make_folder() const {
  std::error_code error;
  if (std::filesystem::is_directory(folder_, error)) return;
  make_private_folders(folder_);
  for (const auto& folder : {folder_of(folder_), root_, folder_of(root_)})
    if (const int failed = sync_folder(folder))
      throw Failure::system("sync the folder " + folder, failed);
}

int QueueSegments::remove(std::uint64_t first) const {
  const paths::Entry entry(path(first), own_file());
  const int error = entry ? entry.remove() : entry.problem().error;
  return error == ENOENT ? 0 : error;  // its folder may be gone, too
}

std::optional<Failure> QueueSegments::passing_trouble(std::uint64_t first) const {
  const auto opened = paths::open_existing(path(first), O_RDWR);
  for (const int error : {EMFILE, ENFILE, ENOMEM, EACCES, EPERM, EROFS})
    if (opened.problem().error == error)
      return failure_of(opened.problem(), log::disk_help(error, path(first)));
  return std::nullopt;
}

std::string QueueSegments::set_aside(std::uint64_t first, const Failure& why) const {
  return deliver::set_aside(path(first), why);
}

std::vector<std::pair<std::string, std::string>> QueueSegments::all(const std::string& data_dir) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto root = queues_in(data_dir);
  for (const auto& source_folder : names_found_in(root))
    for (const auto& handler_folder : names_found_in(root + '/' + source_folder)) {
      const auto source = from_file_name(source_folder), handler = from_file_name(handler_folder);
      if (source && handler && !QueueSegments(data_dir, *source, *handler).find().empty())
        found.emplace_back(*source, *handler);
    }
  return found;
}

}  // namespace standpipe::deliver
