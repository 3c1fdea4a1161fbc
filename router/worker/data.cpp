// SPDX-License-Identifier: Apache-2.0
#include "worker/data.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "deliver/spill.h"

namespace standpipe::worker {
namespace {

constexpr auto kLock = "lock";

}  // namespace

Data::Data(const config::Hub& options, bool goes_on, std::uint64_t run, keeper::Link& link, Reporter& reporter)
    : path_(options.data_dir),
      letters_(options.data_dir, run, reporter),
      checkpoint_(options.data_dir),
      stop_notes_(options.data_dir),
      reporter_(reporter) {
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error of write, not a death
  try {
    take(link);
    require_folder_for_spills();
  } catch (const Failure& failure) {
    if (!options.data_dir_by_default && !goes_on) throw failure.in("data_dir");
    reporter.warning("data-dir",
                     path_ + " cannot be used, so no message can be put aside, or saved when the hub stops: " + failure.what(),
                     failure.help().empty() ? "set data_dir to a folder of this hub's own" : failure.help());
  }
}

// What stands there would keep the messages of a stop from being saved; that must not be found out then.
void Data::require_folder_for_spills() {
  const auto path = path_ + "/spill";
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 || (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))) return;
  folder_.reset();
  throw Failure(path + " is no folder, so that nothing could be saved when the hub stops", "mv it away");
}

// The lock of an earlier worker is good unless somebody has removed the folder meanwhile.
void Data::take(keeper::Link& link) {
  if (auto lock = link.take(kLock)) {
    try {
      folder_.emplace(path_, std::move(*lock));
      return;
    } catch (const Failure&) {
    }
  }
  folder_.emplace(path_, link.kept() ? link.keeper_pid() : ::getpid());
  link.keep(kLock, folder_->lock_fd());
}

void Data::look(keeper::Link& link) try {
  if (!works()) return;
  if (folder_->is_at_its_path()) return folder_->restore_file();
  DataFolder again(path_, link.kept() ? link.keeper_pid() : ::getpid());
  folder_.emplace(std::move(again));
  link.keep(kLock, folder_->lock_fd());
  lost_said_ = false;
  reporter_.warning("data-dir", path_ + " was removed or replaced; what was in it is gone from there, and it is used anew",
                    "keep cleaners away from data_dir");
} catch (const Failure& failure) {
  if (!std::exchange(lost_said_, true))
    reporter_.warning("data-dir", "data_dir was removed or replaced, and cannot be had again: " + std::string(failure.what()),
                      failure.help());
}

void Data::begin_checkpoints(const Checkpoint& now) {
  if (!works()) return;
  if (const auto previous = checkpoint_.previous(); previous && previous->began != now.began)
    reporter_.warning("lost", previous->text());
  write(now);
}

void Data::write(const Checkpoint& now) {
  if (!works()) return;
  const auto failure = checkpoint_.write(now);
  if (failure && !write_failed_) reporter_.warning("checkpoint", failure->what(), failure->help());
  write_failed_ = failure.has_value();
}

void Data::end_checkpoints() {
  if (works()) checkpoint_.remove();
}

std::vector<StopNote> Data::read_stop_notes() const { return works() ? stop_notes_.read() : std::vector<StopNote>(); }

void Data::remove_stop_notes() const {
  if (works()) stop_notes_.remove();
}

bool Data::write_stop_notes(const std::vector<StopNote>& notes) const {
  if (!works()) return false;
  const auto failure = stop_notes_.write(notes);
  if (failure) reporter_.warning("stop-notes", failure->what(), failure->help());
  return !failure;
}

std::vector<std::pair<std::string, std::string>> Data::spills() const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& source : deliver::SpillReader::sources(path_))
    for (const auto& path : deliver::SpillReader::find(path_, source)) found.emplace_back(source, path);
  return found;
}

std::optional<Failure> Data::put_aside(std::span<const deliver::DeadLetter> letters) {
  if (!works()) return Failure("there is no place for it: " + path_ + " could not be used at the start");
  return letters_.put(letters);
}

}  // namespace standpipe::worker
