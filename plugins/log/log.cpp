// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <standpipe/wire.h>

#include "common/error_text.h"
#include "common/mode.h"
#include "path_template.h"

using std::chrono::nanoseconds;

namespace {

Sync sync_of(const std::string& name) {
  if (name == "never") return Sync::never;
  return name == "always" ? Sync::always : Sync::interval;
}

LogFile::Request request_of(const standpipe::Options& options) {
  return {.path = {},
          .mode = common::octal_mode("mode", options.text("mode")),
          .create_folders = options.boolean("create_folders"),
          .format = format_of(options.text("format")),
          .durable = sync_of(options.text("sync")) != Sync::never,
          .trust_others = options.text("trust") == "others"};
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
      settings_{request_of(options), Rotation(limits_of(options)), sync_of(options.text("sync")),
                options.duration("sync_interval")},
      records_(settings_.request.format) {
  PathTemplate path(options.text("path"));
  if (!path.has_placeholders()) {
    one_.emplace(host_, settings_, path.fixed());
    return;
  }
  path.check(settings_);
  many_.emplace(host_, settings_, std::move(path),
                NamedFiles::Limits{static_cast<std::size_t>(options.integer("max_open_files")),
                                   static_cast<std::size_t>(options.integer("max_files"))});
}

// What stands in the way at the start is a mistake in the configuration, which only a restart can
// mend. Later somebody has put it there, and will take it away.
void Log::open() try {
  if (many_) {
    many_->open();
  } else {
    one_->open();
  }
  was_open_ = true;
} catch (const standpipe::fatal& refused) {
  if (!was_open_) throw;
  throw standpipe::disconnected(refused.what());
}

void Log::handle(standpipe::Batch& batch) {
  const auto now = host_.now();
  if (many_) return many_->handle(batch, now);
  if (one_->output() != 0) return send(batch, now);
  for (std::size_t next = 0; next < batch.size();) {
    batch.stop_at(next);
    next = append_run(batch, next, now);
    batch.stop_at(next);
  }
  one_->sync_if_due(now);
}

// All that was sent before is in the file. This batch is sent up to where the file is full; where
// it is not, so is what comes after it.
void Log::send(standpipe::Batch& batch, nanoseconds now) {
  batch.stop_at(0);
  auto size = one_->prepare(now);
  one_->will_be_written();
  std::size_t next = 0;
  do size += STANDPIPE_WIRE_HEADER_BYTES + batch[next++].size();
  while (next < batch.size() && !one_->is_rotation_due(size, now));
  batch.send_all(one_->output());
  batch.stop_at(next);
  if (!one_->is_rotation_due(size, now)) one_->grant();
}

std::size_t Log::append_run(standpipe::Batch& batch, std::size_t first, nanoseconds now) {
  const auto start = one_->prepare(now);
  auto next = first;
  one_->will_be_written();
  spool_.begin(one_->file().fd());
  try {
    do {
      records_.append(spool_, batch[next++]);
      spool_.end_record();
    } while (next < batch.size() && !one_->is_rotation_due(start + spool_.accepted(), now));
    spool_.flush();
  } catch (const common::WriteFailed& failure) {
    fail_batch(batch, first, "write", failure.error);
  } catch (...) {  // no memory: the whole run is redelivered
    one_->cut_back(spool_.written());
    throw;
  }
  if (settings_.sync != Sync::always) return next;
  if (const int error = one_->sync()) fail_batch(batch, first, "sync", error);
  return next;
}

// What is not all there is cut off again, so that the next try neither repeats nor tears anything.
// Under sync: always, what is not known to be on disk is not there.
void Log::fail_batch(standpipe::Batch& batch, std::size_t first, const char* what, int error) {
  const bool all = settings_.sync == Sync::always;
  batch.stop_at(all ? first : first + spool_.records_written());
  one_->cut_back(all ? spool_.written() : spool_.incomplete());
  throw standpipe::disconnected("cannot " + std::string(what) + " " + one_->path() + ": " +
                                common::error_text(error));
}

void Log::flush(nanoseconds) {
  if (many_) return many_->flush();
  one_->sync_before_end();
}

void Log::close() {
  if (many_) return many_->close();
  one_->close();
}

void Log::reopen() {
  if (many_) return many_->reopen();
  one_->reopen();
}

STANDPIPE_PLUGIN(Log)
