// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include "common/error_text.h"
#include "common/mode.h"

using std::chrono::nanoseconds;

namespace {

constexpr nanoseconds kRotationRetry = std::chrono::seconds(30);
constexpr nanoseconds kLook = std::chrono::seconds(1);

// Whether that much time has passed. A clock that was set back must not make us wait for it to come round.
bool passed(nanoseconds now, nanoseconds since, nanoseconds wait) { return now < since || now - since >= wait; }

Sync sync_of(const std::string& name) {
  if (name == "never") return Sync::never;
  return name == "always" ? Sync::always : Sync::interval;
}

LogFile::Request request_of(const standpipe::Options& options) {
  return {options.text("path"),
          common::octal_mode("mode", options.text("mode")),
          options.boolean("create_folders"),
          format_of(options.text("format")),
          sync_of(options.text("sync")) != Sync::never,
          options.text("trust") == "others"};
}

Rotation::Limits limits_of(const standpipe::Options& options) {
  Rotation::Limits limits;
  if (options.has("rotate_size")) limits.size = options.bytes("rotate_size");
  if (options.has("rotate_every")) limits.age = options.duration("rotate_every");
  limits.keep = static_cast<unsigned>(options.integer("keep"));
  return limits;
}

}  // namespace

Log::Log(const standpipe::Options& options)
    : host_(options.host()),
      request_(request_of(options)),
      rotation_(limits_of(options)),
      sync_(sync_of(options.text("sync"))),
      sync_interval_(options.duration("sync_interval")) {}

void Log::open() {
  use(open_file());
  was_open_ = true;
}

// What stands in the way at the start is a mistake in the configuration, which only a restart can mend. Later somebody has put it
// there, and will take it away.
LogFile Log::open_file() const try { return LogFile(request_); } catch (const standpipe::fatal& refused) {
  if (!was_open_) throw;
  throw standpipe::disconnected(refused.what());
}

void Log::use(LogFile file) {
  if (!file.remarks().empty()) host_.warning(file.remarks());
  const auto now = host_.now();
  born_ = file.state().size ? file.birth().value_or(now) : nanoseconds(0);
  file_.emplace(std::move(file));
  is_dirty_ = false;
  synced_ = looked_ = now;
}

void Log::handle(standpipe::Batch& batch) {
  const auto now = host_.now();
  for (std::size_t next = 0; next < batch.size();) {
    batch.stop_at(next);
    const auto size = follow_name(now);
    if (is_rotation_due(size, now)) rotate(now);
    next = append_run(batch, next, now);
    batch.stop_at(next);
  }
  if (sync_ == Sync::interval && passed(now, synced_, sync_interval_)) sync_or_throw();
}

// A file without a name is seen at once, for its size is asked anyway. That another one has its name costs a look of its own.
std::uint64_t Log::follow_name(nanoseconds now) {
  auto state = file_->state();
  const bool looks = passed(now, looked_, kLook);
  if (looks) looked_ = now;
  if (!state.was_deleted && (!looks || file_->still_has_its_name())) return state.size;
  begin_anew(state.was_deleted ? "was deleted" : "was moved away");
  return file_->state().size;
}

// Throws disconnected where there is no file to be had: messages then wait, and none goes into one that nobody finds.
void Log::begin_anew(const char* why) {
  auto fresh = open_file();
  if (sync_ != Sync::never) sync_or_throw();
  use(std::move(fresh));
  host_.warning(request_.path + " " + why + ": opened anew");
}

bool Log::is_rotation_due(std::uint64_t size, nanoseconds now) {
  if (now < born_) born_ = now;  // the clock was set back: better a file that is too old than one that never is
  return (!rotation_failed_ || passed(now, *rotation_failed_, kRotationRetry)) && rotation_.is_due(size, now - born_);
}

std::size_t Log::append_run(standpipe::Batch& batch, std::size_t first, nanoseconds now) {
  const auto start = file_->state().size;
  if (start == 0) born_ = now;
  auto next = first;
  is_dirty_ = true;
  spool_.begin(file_->fd());
  try {
    do {
      append_record(spool_, request_.format, batch[next++]);
      spool_.end_record();
    } while (next < batch.size() && !is_rotation_due(start + spool_.accepted(), now));
    spool_.flush();
  } catch (const common::WriteFailed& failure) {
    take_back(batch, first, "write", failure.error);
  } catch (...) {  // no memory: the whole run comes again
    file_->cut_end(spool_.written());
    throw;
  }
  if (sync_ != Sync::always) return next;
  if (const int error = file_->sync()) take_back(batch, first, "sync", error);
  is_dirty_ = false;
  return next;
}

// What is not all there is cut off again, so that the next try neither repeats nor tears anything. Under sync: always, what is not
// known to be on disk is not there.
void Log::take_back(standpipe::Batch& batch, std::size_t first, const char* what, int error) {
  const bool all = sync_ == Sync::always;
  batch.stop_at(all ? first : first + spool_.records_written());
  if (const int cut = file_->cut_end(all ? spool_.written() : spool_.torn()))
    host_.warning("cannot cut " + request_.path + " back to its last whole record: " + common::error_text(cut));
  throw standpipe::disconnected("cannot " + std::string(what) + " " + request_.path + ": " + common::error_text(error));
}

void Log::rotate(nanoseconds now) {
  if (sync_ != Sync::never) sync_or_throw();
  const auto place = LogFile::place(request_);
  if (place && !file_->is_at(place)) return begin_anew("was moved away");
  if (const auto failure = place ? rotation_.put_aside(place) : place.problem().whole(); !failure.empty()) {
    rotation_failed_ = now;
    return host_.error("cannot rotate " + request_.path + ": " + failure + ": goes on in the same file");
  }
  rotation_failed_.reset();
  use(open_file());
  if (const auto said = rotation_.remove_rest(place); !said.empty()) host_.warning(request_.path + ": " + said);
}

void Log::sync_or_throw() {
  if (!is_dirty_) return;
  if (const int error = file_->sync())
    throw standpipe::disconnected("cannot sync " + request_.path + ": " + common::error_text(error) +
                                  ": what was written since the last sync may be missing after a power cut");
  is_dirty_ = false;
  synced_ = host_.now();
}

void Log::flush(nanoseconds) {
  if (sync_ != Sync::never) sync_or_throw();
}

void Log::close() {
  if (is_dirty_ && sync_ != Sync::never)
    if (const int error = file_->sync()) host_.error("cannot sync " + request_.path + ": " + common::error_text(error));
  file_.reset();
}

void Log::reopen() {
  if (file_->still_has_its_name()) return;
  try {
    LogFile fresh(request_);
    if (sync_ != Sync::never) sync_or_throw();
    use(std::move(fresh));
  } catch (const std::exception& e) {
    host_.error("reopen: " + std::string(e.what()) + ": goes on in the old file");  // better than to stop: nothing is lost
  }
}

STANDPIPE_PLUGIN(Log)
