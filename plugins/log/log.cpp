// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include "common/error_text.h"
#include "common/mode.h"

using std::chrono::nanoseconds;

namespace {

constexpr nanoseconds kRotationRetry = std::chrono::seconds(30);

Sync sync_of(const std::string& name) {
  if (name == "never") return Sync::never;
  return name == "always" ? Sync::always : Sync::interval;
}

LogFile::Request request_of(const standpipe::Options& options) {
  return {options.text("path"), common::octal_mode("mode", options.text("mode")), options.boolean("create_folders"),
          format_of(options.text("format")), sync_of(options.text("sync")) != Sync::never};
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

void Log::open() { use(LogFile(request_)); }

void Log::use(LogFile file) {
  if (!file.repaired().empty()) host_.warning(file.repaired());
  born_ = file.size() ? file.birth().value_or(host_.now()) : nanoseconds(0);
  file_.emplace(std::move(file));
  is_dirty_ = false;
  synced_ = host_.now();
}

void Log::handle(standpipe::Batch& batch) {
  const auto now = host_.now();
  for (std::size_t next = 0; next < batch.size();) {
    batch.stop_at(next);
    if (is_rotation_due(file_->size(), now)) rotate(now);
    next = append_run(batch, next, now);
    batch.stop_at(next);
  }
  if (sync_ == Sync::interval && (now - synced_ >= sync_interval_ || now < synced_)) sync_or_throw();
}

bool Log::is_rotation_due(std::uint64_t size, nanoseconds now) const {
  return now >= rotation_again_ && rotation_.is_due(size, now - born_);
}

std::size_t Log::append_run(standpipe::Batch& batch, std::size_t first, nanoseconds now) {
  const auto start = file_->size();
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
  if (const int error = rotation_.put_aside(request_.path)) {
    rotation_again_ = now + kRotationRetry;
    return host_.error("cannot rotate " + request_.path + ": " + common::error_text(error) + ": goes on in the same file");
  }
  use(LogFile(request_));
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

void Log::describe(standpipe::Description& d) {
  d.name("log").version("1.0").summary("appends messages to a file");
  d.documentation(
      "lines   the payload and a newline. A newline inside a payload is written as the two characters \\n, so that one message is "
      "one\n"
      "        line. Other bytes go as they are; to get every message back exactly, use frames or jsonl.\n"
      "frames  as on the wire: the length (4 bytes, little endian), then the payload. Lossless; the file can be fed back into a "
      "FIFO.\n"
      "jsonl   an object a line: source, sequence, time, size, and the payload as \"text\", or as \"base64\" when it is not "
      "UTF-8.\n"
      "\n"
      "Rotation happens between messages, before the first one that finds the file at rotate_size or older than rotate_every "
      "(since its\n"
      "first message; across restarts, since the file was created). A file is thus larger than rotate_size by at most one message, "
      "and\n"
      "without messages nothing rotates. PATH becomes PATH.1, that becomes PATH.2, and so on up to keep; the oldest is "
      "overwritten.\n"
      "With keep: 0 the full file is deleted. Instead, logrotate may move the file away and send the router SIGUSR1: the log then\n"
      "opens PATH anew. copytruncate works as well, but loses what is written between its copying and its truncating.\n"
      "\n"
      "sync: always means that delivered is on disk (fdatasync before a batch is settled). interval does it after a batch when the "
      "last\n"
      "time is sync_interval ago, before a rotation, and when the router stops or reopens; when no messages come, the last ones "
      "reach\n"
      "the disk as the kernel sees fit (usually within 30 s). never leaves it all to the kernel. A killed router loses nothing\n"
      "in any of the three; they differ when the machine dies.\n"
      "\n"
      "When the disk is full the file is cut back to its last whole message, and the rest waits and is tried again: nothing is "
      "lost,\n"
      "repeated or torn. A record that was cut short earlier is repaired on opening, with a warning: a frame is cut off, a line "
      "is\n"
      "finished. The file is locked (flock), so two logs cannot write to one path.");
  d.option("path").path().required().summary("the file").example("/var/log/orders.log");
  d.option("format").one_of({"frames", "lines", "jsonl"}).fallback("lines").summary("how a message lies in the file");
  d.option("rotate_size").bytes().minimum("1B").example("100MiB").summary("put the file aside once it is this large");
  d.option("rotate_every").duration().minimum("1ms").example("1d").summary("put the file aside once it is this old");
  d.option("keep").integer().fallback("5").minimum("0").maximum("1000").unit("files").summary("how many rotated files stay");
  d.option("sync").one_of({"never", "interval", "always"}).fallback("interval").summary("when what was written is forced to disk");
  d.option("sync_interval").duration().fallback("1s").minimum("1ms").summary("how often, for sync: interval");
  d.option("mode").text().fallback("0640").summary("permissions of a file that is created, in octal and in quotes");
  d.option("create_folders").boolean().fallback("false").summary("create the folders of the path when they are missing");
}

STANDPIPE_PLUGIN(Log)
