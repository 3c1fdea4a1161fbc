// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_endpoint.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint64_t kJobBytes =
    256 * KiB;  // half of a small log: the other half is filled meanwhile
// A job costs two threads a wake-up each, whatever its size: a stream of small ones is gathered.
constexpr std::uint64_t kJobLeast = 32 * KiB;
constexpr Nanoseconds kGather = std::chrono::microseconds(200);
constexpr Nanoseconds kSlow = std::chrono::seconds(10);
constexpr std::uint64_t kCompareBytes = 256 * KiB;  // at a time

std::string error_text(int error) { return std::generic_category().message(error); }

std::uint64_t size_of(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? static_cast<std::uint64_t>(st.st_size) : 0;
}

// The lock belongs to the open file, which the keeper has as well.
void unlock(int fd) { (void)::flock(fd, LOCK_UN); }

}  // namespace

FileEndpoint::FileEndpoint(const plugin::FileOutputRequest& request) : request_(request) {}

std::uint32_t FileEndpoint::events() const { return EPOLLIN; }

// ---- what outlives the worker

void FileEndpoint::attach(const Context& context, bool recovered) {
  context_.emplace(context);
  record_.emplace(context.memory, "file/" + path());
  if (recovered) recover();
}

void FileEndpoint::recover() {
  queue().validate();
  auto file = context_->link.retrieve(name_in_keeper());
  // One that was kept and never written to has not come into the record.
  if (file && FileId::of(file->get()) == record().id) recognize(file->get());
  queue().write_again();
  queue().rewind(queue().moved());
  commit();
  if (!file) return;
  unlock(file->get());
  file->reset();
  context_->link.forget(name_in_keeper());
}

// What went into the file since the last commit. It ends with a whole frame then, as the commit
// says.
void FileEndpoint::recognize(int fd) {
  const auto size = size_of(fd), known = record().size;
  if (size < known) return say("somebody has cut it to " + counted(size, "byte"));
  if (size == known) return;
  if (size - known > queue().bytes() - queue().moved() || !is_ours(fd, known, size))
    return say(counted(size - known, "byte") +
               " at its end are somebody else's, and stay; what was being written to it when the "
               "worker died may be there twice");
  if (record().syncs_always && ::fdatasync(fd) != 0)
    return;  // the plugin finds it, and says what is wrong with the disk
  const auto rest = queue().place_of(queue().moved() + size - known).skip;
  move(size - known - rest);
  commit();
  if (rest > 0 && ::ftruncate(fd, static_cast<off_t>(size - rest)) != 0)
    say("its last frame is broken up, and cannot be cut off: " + error_text(errno));
}

bool FileEndpoint::is_ours(int fd, std::uint64_t begin, std::uint64_t end) const {
  std::vector<std::byte> bytes(kCompareBytes);
  auto mark = queue().moved();
  for (auto at = begin; at < end;) {
    const auto n = ::pread(fd, bytes.data(), std::min<std::uint64_t>(bytes.size(), end - at),
                           static_cast<off_t>(at));
    if (n <= 0 || !queue().is_at(mark, {bytes.data(), static_cast<std::size_t>(n)})) return false;
    at += static_cast<std::uint64_t>(n);
    mark += static_cast<std::uint64_t>(n);
  }
  return true;
}

void FileEndpoint::move(std::uint64_t bytes) {
  queue().move(bytes);
  edit_record().size += bytes;
}

// ---- whose file it is

// The keeper has it before the record names it, and the record names it before the first byte goes
// there.
void FileEndpoint::use(Fd file, Nanoseconds sync) {
  INVARIANT(!writer_.is_busy(), path());
  if (file_ && FileId::of(file_.get()) != FileId::of(file.get())) unlock(file_.get());
  context_->link.keep(name_in_keeper(), file.get());
  edit_record() = {FileId::of(file.get()), size_of(file.get()), sync == FileWriter::kAlways};
  commit();
  file_ = std::move(file);
  sync_ = sync;
  is_in_memory_ = FileWriter::is_in_memory(file_.get());
  is_stopped_ = false;
}

void FileEndpoint::release() {
  if (!file_) return;
  unlock(file_.get());
  file_.reset();
  context_->link.forget(name_in_keeper());
}

// What did not move goes back to where it came from; the plugin decides what becomes of it.
void FileEndpoint::stop(const std::string& failure) {
  is_stopped_ = true;
  failure_ = failure;
  queue().rewind(queue().moved());
  queue().give_back_all();
  commit();
}

std::optional<std::string> FileEndpoint::take_failure() {
  if (failure_.empty()) return {};
  return std::exchange(failure_, {});
}

// What was asked of it while there is no file goes back, too.
bool FileEndpoint::make_ready(Nanoseconds) {
  if (is_flowing()) return true;
  stop(failure_);
  return false;
}

// ---- moving

bool FileEndpoint::has_more_to_move() const {
  return writer_.is_busy() ? writer_.has_done() : is_flowing() && queue().has_more_to_write();
}

// A disk that does not answer holds back this output alone, and silently.
bool FileEndpoint::visit(Nanoseconds now) {
  const auto waited = now - posted_;
  if (!writer_.is_busy() || waited < kSlow || !slow_.is_due(now)) return false;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited);
  context_->reporter.warning("slow-disk",
                             path() + ": a write has not come back for " + duration_text(seconds),
                             "its messages wait; see whether its disk answers");
  return false;
}

bool FileEndpoint::begin_turn(Nanoseconds now) {
  now_ = now;
  return true;
}

std::optional<Nanoseconds> FileEndpoint::end_turn(Nanoseconds) {
  return std::exchange(post_at_, std::nullopt);
}

std::uint64_t FileEndpoint::stage() {
  collect();
  if (writer_.is_busy() || !is_flowing()) return 0;
  queue().gather(pieces_, places_, kJobBytes);
  if (pieces_.empty()) return 0;
  std::uint64_t sum = 0;
  for (const auto& piece : pieces_) sum += piece.iov_len;
  if (!is_in_memory_ && sum < kJobLeast && now_ < posted_ + kGather) {
    post_at_ = posted_ + kGather;
    return 0;
  }
  posted_ = now_;
  queue().wrote(sum, places_.back());
  writer_.post({file_.get(), path(), record().size, pieces_, sync_, is_in_memory_});
  return sum;
}

Endpoint::Pushed FileEndpoint::push() { return {.bytes = std::exchange(collected_, 0)}; }

void FileEndpoint::collect() {
  const auto done = writer_.take_done();
  if (done) settle(*done);
}

void FileEndpoint::settle(const FileWriter::Done& done) {
  move(done.bytes);
  collected_ += done.bytes;
  if (done.bytes > 0) context_->memory.count_progress();
  commit();
  switch (done.found) {
    case FileWriter::Found::ours:
      break;
    case FileWriter::Found::deleted:
    case FileWriter::Found::moved:
      return stop();
    case FileWriter::Found::changed:
      return on_changed(done.size);
  }
  if (done.error == 0) return;
  const auto lost = std::string(done.what) == "sync"
                        ? ": what was written since the last sync may be missing after a power cut"
                        : "";
  stop("cannot " + std::string(done.what) + " " + path() + ": " + error_text(done.error) + lost);
}

// Emptied (logrotate's copytruncate): what comes begins it anew. Whatever else somebody did may
// have left it with a truncated end, which is found and repaired when it is opened.
void FileEndpoint::on_changed(std::uint64_t size) {
  const auto known = std::exchange(edit_record().size, size);
  commit();
  if (size == 0) {
    say("was emptied by somebody else: it begins anew");
    return queue().write_again();
  }
  const auto what = size < known ? "was cut to " + counted(size, "byte")
                                 : "has " + counted(size - known, "byte") + " more";
  stop(path() + " " + what + " by somebody else: it is opened anew, and its end is looked at");
}

void FileEndpoint::say(const std::string& what) {
  context_->reporter.warning("file-changed", path() + ": " + what,
                             "give each writer a file of its own");
}

}  // namespace standpipe::deliver
