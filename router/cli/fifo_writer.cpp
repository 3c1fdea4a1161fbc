// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_writer.h"

#include <limits.h>
#include <poll.h>
#include <standpipe/wire.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/text.h"
#include "cli/fifo_path.h"

namespace standpipe::cli {

namespace {

constexpr Nanoseconds kPollInterval = std::chrono::milliseconds(20);

// With a timeout, a hub that is just starting counts too. Nothing announces a FIFO's first reader,
// so this polls.
Fd open_when_there(const std::string& path, std::optional<Nanoseconds> timeout,
                   Interruption& interruption) {
  const auto until = steady_now() + timeout.value_or(Nanoseconds(0));
  for (;;) {
    try {
      return open_write_end(path);
    } catch (const NotYet& not_yet) {
      if (!timeout || steady_now() >= until) throw;
      const auto next = std::min(until, steady_now() + kPollInterval);
      if (wait_for(-1, 0, interruption, next) == Waited::interrupted)
        throw Failure(std::string("interrupted: ") + not_yet.what());
    }
  }
}

}  // namespace

FifoWriter::FifoWriter(Options options, Interruption& interruption)
    : options_(std::move(options)),
      interruption_(interruption),
      fd_(open_when_there(options_.path, options_.timeout, interruption)) {
  burst_.reserve(kBurstBytes);
}

bool FifoWriter::add(std::string_view payload) {
  if (payload.size() > options_.payload_max) {
    if (!flush()) return false;
    throw Failure("a message of " + counted(payload.size(), "byte") +
                      " is larger than the limit (" + thousands(options_.payload_max) +
                      "); it was not sent" + so_far(0, 0),
                  "--max-message-size raises the limit here; the hub has its own: framing: { "
                  "max_message_size: }");
  }
  const auto frame = STANDPIPE_WIRE_HEADER_BYTES + payload.size();
  if (!burst_.empty() && burst_.size() + frame > kBurstBytes && !flush()) return false;
  append(payload);
  return burst_.size() < kBurstBytes || flush();
}

void FifoWriter::append(std::string_view payload) {
  const auto frame = STANDPIPE_WIRE_HEADER_BYTES + payload.size();
  const auto begin = pieces_.size() < 2 ? 0 : pieces_[pieces_.size() - 2].end;
  if (pieces_.empty() || burst_.size() + frame - begin > PIPE_BUF) pieces_.push_back({});
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  burst_.append(reinterpret_cast<const char*>(header), sizeof header).append(payload);
  auto& piece = pieces_.back();
  piece.end = burst_.size();
  ++piece.messages;
  piece.bytes += payload.size();
}

bool FifoWriter::flush() {
  if (burst_.empty()) return true;
  if (interruption_.times() > 0) return false;
  switch (lock_exclusively(fd_.get(), interruption_, patience())) {
    case Waited::interrupted:
      return false;
    case Waited::late:
      throw too_late("another writer holds the lock on " + options_.path, 0, 0);
    case Waited::ready:
      break;
  }
  const bool all = write_burst();
  ::flock(fd_.get(), LOCK_UN);
  burst_.clear();
  pieces_.clear();
  return all;
}

bool FifoWriter::write_burst() {
  std::size_t begin = 0;
  for (const auto& piece : pieces_) {
    if (interruption_.times() > 0) return false;
    if (!write_piece(std::string_view(burst_).substr(begin, piece.end - begin))) return false;
    begin = piece.end;
    messages_ += piece.messages;
    bytes_ += piece.bytes;
  }
  return true;
}

bool FifoWriter::write_piece(std::string_view bytes) {
  std::size_t written = 0;
  bool stops = false;
  auto deadline = patience();
  while (written < bytes.size()) {
    const auto n = ::write(fd_.get(), bytes.data() + written, bytes.size() - written);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
      deadline = stops ? deadline : patience();
      continue;
    }
    if (errno == EPIPE) throw reader_left(written, bytes.size());
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw Failure::system("write to " + options_.path, errno);
    switch (wait_for(fd_.get(), POLLOUT, interruption_, deadline, stops ? 1 : 0)) {
      case Waited::ready:
        break;
      case Waited::late:
        throw too_late("no room in " + options_.path + ": its reader takes nothing", written,
                       bytes.size());
      case Waited::interrupted:
        if (written == 0) return false;
        if (stops) throw too_late("interrupted twice", written, bytes.size());
        stops = true;
        deadline = steady_now() + kGrace;
    }
  }
  return true;
}

Deadline FifoWriter::patience() const {
  if (!options_.timeout) return std::nullopt;
  return steady_now() + *options_.timeout;
}

Failure FifoWriter::reader_left(std::size_t written, std::size_t size) const {
  return Failure("nobody reads " + options_.path + " any more" + so_far(written, size),
                 "has the hub ended?  standpipe run CONFIG");
}

Failure FifoWriter::too_late(const std::string& what, std::size_t written, std::size_t size) const {
  return Failure(what + so_far(written, size),
                 written ? "its reader will find a frame without an end" : "");
}

std::string FifoWriter::so_far(std::size_t written, std::size_t size) const {
  auto text =
      ": " + counted(messages_, "message") + (messages_ == 1 ? " was" : " were") + " sent whole";
  if (written > 0)
    text += ", and the next was cut after " + thousands(written) + " of " + counted(size, "byte");
  return text;
}

std::string FifoWriter::summary() const {
  return "sent " + counted(messages_, "message") + ", " + counted(bytes_, "byte");
}

}  // namespace standpipe::cli
