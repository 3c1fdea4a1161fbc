// SPDX-License-Identifier: Apache-2.0
#include "worker/data.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "deliver/spill.h"
#include "worker/own_places.h"

namespace standpipe::worker {
namespace {

constexpr auto kLock = "lock";
constexpr Nanoseconds kCleanEach = std::chrono::minutes(1);  // of dead letters that are too old

// Letters' thread writes it, at any time, as plugins do their call's record: hence the name, which
// no handler can have.
std::uint64_t& removed_in(state::Memory& memory) {
  return *reinterpret_cast<std::uint64_t*>(
      memory.plain_record("call/(removed dead letters)", sizeof(std::uint64_t)).data());
}

}  // namespace

Data::Data(const config::HubOptions& options, bool continues, std::uint64_t run, keeper::Link& link,
           state::Memory& memory, EventLoop& loop, const Clock& clock, Reporter& reporter)
    : path_(options.data_dir),
      letters_(deliver::DeadLetters(options.data_dir, run, reporter, options.dead_letters),
               removed_in(memory)),
      clock_(clock),
      checkpoint_(options.data_dir),
      checkpoint_timer_(loop),
      stop_notes_(options.data_dir),
      resume_notes_(options.data_dir, reporter),
      reporter_(reporter) {
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error of write, not a death
  try {
    open_folder(link);
    clear_folder(options);
  } catch (const Failure& failure) {
    if (!options.data_dir_by_default && !continues) throw failure.in("data_dir");
    reporter.warning(
        "data-dir",
        path_ +
            " cannot be used, so no message can be dead-lettered, or saved when the hub stops: " +
            failure.what(),
        failure.help().empty() ? "set data_dir to a folder of this hub's own" : failure.help());
  }
}

// It is ours by now, so nobody else's files are moved. What keeps a stop from saving messages must
// be found at the start.
void Data::clear_folder(const config::HubOptions& options) try {
  clear_own_places(path_, options, reporter_);
  folder_->restore_file();
} catch (const Failure&) {
  folder_.reset();
  throw;
}

// An earlier worker's lock is valid unless somebody removed the folder meanwhile.
void Data::open_folder(keeper::Link& link) {
  if (auto lock = link.retrieve(kLock)) {
    try {
      folder_.emplace(path_, std::move(*lock));
      return;
    } catch (const Failure&) {
    }
  }
  folder_.emplace(path_, link.kept() ? link.keeper_pid() : ::getpid());
  link.keep(kLock, folder_->lock_fd());
}

void Data::check(keeper::Link& link) try {
  if (!works()) return;
  if (clock_.steady() - cleaned_ >= kCleanEach) {
    cleaned_ = clock_.steady();
    letters_.clean();
  }
  if (folder_->is_at_its_path()) return folder_->restore_file();
  DataFolder again(path_, link.kept() ? link.keeper_pid() : ::getpid());
  folder_.emplace(std::move(again));
  link.keep(kLock, folder_->lock_fd());
  letters_.reopen();
  lost_reported_ = false;
  reporter_.warning("data-dir",
                    path_ +
                        " was removed or replaced, so what it held is no longer there; the hub "
                        "uses the folder that is there now",
                    "keep cleaners away from data_dir");
} catch (const Failure& failure) {
  if (!std::exchange(lost_reported_, true))
    reporter_.warning("data-dir",
                      "data_dir was removed or replaced, and cannot be opened again: " +
                          std::string(failure.what()),
                      failure.help());
}

void Data::begin_checkpoints(const Checkpoint& now) {
  checkpoint_timer_.written();
  if (!works()) return;
  if (const auto previous = checkpoint_.previous(); previous && previous->began != now.began)
    reporter_.warning("lost", previous->text());
  write_checkpoint(now);
}

void Data::write_checkpoint(const Checkpoint& now) {
  checkpoint_timer_.written();
  if (!works()) return;
  const auto failure = checkpoint_.write(now);
  if (failure && !write_failed_) reporter_.warning("checkpoint", failure->what(), failure->help());
  write_failed_ = failure.has_value();
}

void Data::end_checkpoints() {
  if (works()) checkpoint_.remove();
}

std::vector<StopNote> Data::read_stop_notes() const {
  return works() ? stop_notes_.read() : std::vector<StopNote>();
}

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
    for (const auto& path : deliver::SpillReader::find(path_, source))
      found.emplace_back(source, path);
  return found;
}

std::optional<Failure> Data::write(std::span<const deliver::DeadLetter> letters) {
  if (!works())
    return Failure("there is no place for it: " + path_ + " could not be used at the start");
  return letters_.write(letters);
}

bool Data::post(const std::shared_ptr<deliver::LetterJob>& job) {
  if (!works()) return DeadLetterSink::post(job);
  letters_.post(job);
  return true;
}

}  // namespace standpipe::worker
