// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <span>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/signals.h"
#include "deliver/join_buffer.h"
#include "frame/wire_scan.h"

namespace standpipe::deliver {
namespace {

using Job = FileWriter::Job;
using Done = FileWriter::Done;
using Found = FileWriter::Found;

constexpr Nanoseconds kLookEach = std::chrono::seconds(1);  // whether the path still leads to it

Nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// Of the first `bytes` of these pieces, those of whole frames.
std::uint64_t whole_frames(std::span<const iovec> pieces, std::uint64_t bytes) {
  std::array<frame::Frame, 256> frames;
  std::uint64_t before = 0;
  for (const auto& piece : pieces) {
    if (before + piece.iov_len <= bytes) {
      before += piece.iov_len;
      continue;
    }
    std::span rest(static_cast<const std::byte*>(piece.iov_base), bytes - before);
    for (;;) {
      const auto scan = frame::scan_wire(rest, frames);
      if (scan.frames == 0) return before;
      before += scan.consumed;
      rest = rest.subspan(scan.consumed);
    }
  }
  return before;
}

}  // namespace

// What one thread remembers of its file from job to job.
class FileWriter::Appender {
 public:
  Done append(const Job& job) {
    Done done{.size = job.size};
    look(job, done);
    if (done.found != Found::ours || done.error) return done;
    write(job, done);
    if (!done.error) sync(job, done);
    // What is not all there, or not known to be on the disk where it must be, is cut off again.
    if (done.error && ::ftruncate(job.fd, static_cast<off_t>(job.size + done.bytes)) != 0)
      done.what = "cut the truncated end off";
    return done;
  }

 private:
  void look(const Job& job, Done& done) {
    struct stat ours {
    }, named{};
    if (::fstat(job.fd, &ours) != 0) return fail(done, "look at", errno);
    done.size = static_cast<std::uint64_t>(ours.st_size);
    if (ours.st_nlink == 0)
      done.found = Found::deleted;
    else if (done.size != job.size)
      done.found = Found::changed;
    const auto at = now();
    if (done.found != Found::ours || (job.fd == fd_ && at - looked_ < kLookEach)) return;
    looked_ = at;
    fd_ = job.fd;
    const bool is_there = ::stat(job.path.c_str(), &named) == 0;
    if (!is_there || named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
      done.found = Found::moved;
  }

  void write(const Job& job, Done& done) {
    const auto pieces = joined(job.pieces);
    std::uint64_t written = 0;
    for (std::size_t i = 0; i < pieces.size() && !done.error;) {
      auto rest = pieces.subspan(i, std::min<std::size_t>(pieces.size() - i, IOV_MAX));
      const auto n = ::writev(job.fd, rest.data(), static_cast<int>(rest.size()));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        fail(done, "write", n < 0 ? errno : EIO);
      else
        pass(i, static_cast<std::size_t>(n)), written += static_cast<std::uint64_t>(n);
    }
    done.bytes = done.error ? whole_frames(job.pieces, written) : written;
  }

  // Behind that many bytes of the pieces from `i` on.
  void pass(std::size_t& i, std::size_t bytes) {
    for (; i < rest_.size() && bytes >= rest_[i].iov_len; ++i) bytes -= rest_[i].iov_len;
    if (bytes == 0) return;
    rest_[i].iov_base = static_cast<char*>(rest_[i].iov_base) + bytes;
    rest_[i].iov_len -= bytes;
  }

  std::span<iovec> joined(const std::vector<iovec>& pieces) {
    rest_ = pieces;
    if (!JoinBuffer::is_worthwhile(pieces)) return rest_;
    rest_.assign(1, join_.join(pieces, SIZE_MAX));
    return rest_;
  }

  void sync(const Job& job, Done& done) {
    const auto at = now();
    if (job.sync == FileWriter::kNever || (job.sync > Nanoseconds(0) && at - synced_ < job.sync))
      return;
    synced_ = at;
    if (::fdatasync(job.fd) == 0) return;
    fail(done, "sync", errno);
    if (job.sync == FileWriter::kAlways) done.bytes = 0;
  }

  static void fail(Done& done, const char* what, int error) {
    done.error = error;
    done.what = what;
  }

  std::vector<iovec> rest_;
  JoinBuffer join_;
  int fd_ = -1;
  Nanoseconds looked_{0}, synced_ = now();
};

struct FileWriter::Shared {
  ~Shared() { ::close(wake); }
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Job> job;
  std::optional<Done> done;
  bool ends = false;
  int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

FileWriter::FileWriter() : shared_(std::make_shared<Shared>()), wake_(shared_->wake) {
  if (wake_ < 0) throw Failure::system("make an eventfd", errno);
}

FileWriter::~FileWriter() {
  if (!thread_.joinable()) return;
  const bool is_at_work = is_busy_ && !has_done();
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ends = true;
  }
  shared_->changed.notify_one();
  if (is_at_work)
    thread_.detach();
  else
    thread_.join();
}

bool FileWriter::is_in_memory(int fd) {
  struct statfs system {};
  return ::fstatfs(fd, &system) == 0 &&
         (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

bool FileWriter::has_done() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->done.has_value();
}

void FileWriter::post(Job job) {
  INVARIANT(!is_busy_, job.path);
  is_busy_ = true;
  if (job.in_memory) {
    if (!appender_) appender_ = std::make_unique<Appender>();
    const std::lock_guard lock(shared_->mutex);
    shared_->done = appender_->append(job);
    return;
  }
  if (!thread_.joinable()) thread_ = start_without_signals([shared = shared_] { work(shared); });
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->job = std::move(job);
  }
  shared_->changed.notify_one();
}

std::optional<Done> FileWriter::take_done() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->done) is_busy_ = false;
  return std::exchange(shared_->done, std::nullopt);
}

void FileWriter::work(const std::shared_ptr<Shared>& shared) {
  Appender appender;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->job || shared->ends; });
    if (!shared->job) return;
    const auto job = std::move(*shared->job);
    shared->job.reset();
    lock.unlock();
    const auto done = appender.append(job);
    lock.lock();
    shared->done = done;
    const std::uint64_t one = 1;
    (void)!::write(shared->wake, &one, sizeof one);
  }
}

}  // namespace standpipe::deliver
