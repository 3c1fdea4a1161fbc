// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <utility>

#include "common/error_text.h"

using std::chrono::nanoseconds;

namespace {

constexpr nanoseconds kRotationRetry = std::chrono::seconds(30);
constexpr nanoseconds kNameCheckInterval = std::chrono::seconds(1);

// Whether that much time has passed. A clock that was set back must not make us wait for it to come
// round.
bool passed(nanoseconds now, nanoseconds since, nanoseconds wait) {
  return now < since || now - since >= wait;
}

}  // namespace

Target::Target(standpipe::Host host, const Settings& settings, std::string path)
    : host_(host), settings_(settings), path_(std::move(path)) {}

LogFile::Request Target::request() const {
  auto request = settings_.request;
  request.path = path_;
  return request;
}

void Target::open() { use(LogFile(request())); }

// Once it was open: what stands in the way now somebody has put there, and will take it away.
LogFile Target::open_file() const try {
  return LogFile(request());
} catch (const standpipe::fatal& refused) {
  throw standpipe::disconnected(refused.what());
}

void Target::use(LogFile file) {
  if (!file.remarks().empty()) host_.warning(file.remarks());
  const auto now = host_.now();
  born_ = file.state().size ? file.birth().value_or(now) : nanoseconds(0);
  file_.emplace(std::move(file));
  output_ = 0;
  if (settings_.request.format == Format::frames && host_.has_file_outputs()) {
    const auto every = settings_.sync == Sync::never    ? nanoseconds(0)
                       : settings_.sync == Sync::always ? nanoseconds(STANDPIPE_SYNC_ALWAYS)
                                                        : settings_.sync_interval;
    output_ = host_.add_file({file_->fd(), path_, every});
  }
  is_dirty_ = false;
  synced_ = name_checked_ = now;
}

std::uint64_t Target::prepare(nanoseconds now) {
  auto size = follow_name(now);
  if (is_rotation_due(size, now)) {
    rotate(now);
    size = file_->state().size;
  }
  if (size == 0) born_ = now;
  return size;
}

// Nobody has to ask us before then.
void Target::grant() {
  if (rotation_failed_) return;
  const auto& limits = settings_.rotation.limits();
  host_.send_all_until(output_, limits.size.value_or(0),
                       limits.age ? born_ + *limits.age : nanoseconds(0));
}

// A file without a name is seen at once, for its size is asked anyway. That another one has its
// name costs a look of its own.
std::uint64_t Target::follow_name(nanoseconds now) {
  auto state = file_->state();
  const bool is_due = passed(now, name_checked_, kNameCheckInterval);
  if (is_due) name_checked_ = now;
  if (!state.was_deleted && (!is_due || file_->still_has_its_name())) return state.size;
  begin_anew(state.was_deleted ? "was deleted" : "was moved away");
  return file_->state().size;
}

// Throws disconnected where there is no file to be had: messages then wait, and none goes into one
// that nobody finds.
void Target::begin_anew(const char* why) {
  auto fresh = open_file();
  sync_before_end();
  use(std::move(fresh));
  host_.warning(path_ + " " + why + ": opened anew");
}

bool Target::is_rotation_due(std::uint64_t size, nanoseconds now) {
  if (now < born_)
    born_ = now;  // the clock was set back: better a file that is too old than one that never is
  return (!rotation_failed_ || passed(now, *rotation_failed_, kRotationRetry)) &&
         settings_.rotation.is_due(size, now - born_);
}

void Target::rotate(nanoseconds now) {
  sync_before_end();
  const auto place = LogFile::place(request());
  if (place && !file_->is_at(place)) return begin_anew("was moved away");
  if (const auto failure = place ? settings_.rotation.rotate(place) : place.problem().whole();
      !failure.empty()) {
    rotation_failed_ = now;
    return host_.error("cannot rotate " + path_ + ": " + failure + ": continues in the same file");
  }
  rotation_failed_.reset();
  use(open_file());
  if (const auto reported = settings_.rotation.remove_rest(place); !reported.empty())
    host_.warning(path_ + ": " + reported);
}

int Target::sync() {
  const int error = file_->sync();
  if (error == 0) {
    is_dirty_ = false;
    synced_ = host_.now();
  }
  return error;
}

void Target::sync_or_throw() {
  if (!is_dirty_) return;
  if (const int error = sync())
    throw standpipe::disconnected(
        "cannot sync " + path_ + ": " + common::error_text(error) +
        ": what was written since the last sync may be missing after a power cut");
}

void Target::sync_if_due(nanoseconds now) {
  if (settings_.sync == Sync::interval && passed(now, synced_, settings_.sync_interval))
    sync_or_throw();
}

void Target::sync_before_end() {
  if (settings_.sync != Sync::never) sync_or_throw();
}

void Target::cut_back(std::uint64_t bytes) {
  if (bytes == 0) return;
  if (const int error = file_->cut_end(bytes))
    host_.warning("cannot cut " + path_ +
                  " back to its last whole record: " + common::error_text(error));
}

void Target::close() {
  output_ = 0;
  if (file_ && is_dirty_ && settings_.sync != Sync::never)
    if (const int error = file_->sync())
      host_.error("cannot sync " + path_ + ": " + common::error_text(error));
  is_dirty_ = false;
  file_.reset();
}

void Target::reopen() {
  if (file_->still_has_its_name()) return;
  try {
    LogFile fresh(request());
    sync_before_end();
    use(std::move(fresh));
  } catch (const std::exception& e) {
    host_.error("reopen: " + std::string(e.what()) +
                ": continues in the old file");  // better than to stop: nothing is lost
  }
}
