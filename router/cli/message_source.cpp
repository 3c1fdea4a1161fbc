// SPDX-License-Identifier: Apache-2.0
#include "cli/message_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failure.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"

namespace standpipe::cli {
namespace {

constexpr std::size_t kReadBytes = 64 * KiB;
constexpr const char* kRaiseLimit =
    "--max-message-size raises the limit here; the hub has its own: framing: { max_message_size: }";

// Bytes read, 0 at the end. The descriptor may be non-blocking: it is shared with whoever else has
// the terminal.
std::size_t read_some(int fd, char* to, std::size_t most, const std::string& name) {
  for (;;) {
    const auto n = ::read(fd, to, most);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw Failure::system("read " + name, errno);
    pollfd more{fd, POLLIN, 0};
    (void)::poll(&more, 1, -1);
  }
}

}  // namespace

GivenMessages::GivenMessages(std::vector<std::string> messages, std::uint64_t rounds)
    : messages_(std::move(messages)), rounds_(rounds) {}

MessageSource::Next GivenMessages::next() {
  if (sent_ == messages_.size() * rounds_) return Next::end;
  at_ = sent_++ % messages_.size();
  return Next::message;
}

LineMessages::LineMessages(int fd, std::uint64_t line_max) : fd_(fd), line_max_(line_max) {}

MessageSource::Next LineMessages::next() {
  for (;;) {
    const auto end = buffer_.find('\n', searched_);
    const bool whole = end != std::string::npos;
    const auto size = (whole ? end : buffer_.size()) - begin_;
    if (size > line_max_)
      throw Failure("line " + thousands(lines_ + 1) + " has more than " +
                        counted(line_max_, "byte") + ", the limit; it was not sent",
                    kRaiseLimit);
    if (whole || (ended_ && size > 0)) {
      payload_ = std::string_view(buffer_).substr(begin_, size);
      begin_ += size + (whole ? 1 : 0);
      searched_ = begin_;
      ++lines_;
      return Next::message;
    }
    if (ended_) return Next::end;
    searched_ = buffer_.size();
    if (!readable()) return Next::wait;
    fill();
  }
}

bool LineMessages::readable() const {
  pollfd now{fd_, POLLIN, 0};
  return ::poll(&now, 1, 0) > 0;
}

void LineMessages::fill() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const auto before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  const auto n = read_some(fd_, buffer_.data() + before, kReadBytes, "standard input");
  buffer_.resize(before + n);
  ended_ = n == 0;
}

std::optional<std::string> file_up_to(const std::string& path, int standard_input,
                                      std::uint64_t most) {
  const bool is_input = path == "-";
  const Fd file(is_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!is_input && !file)
    throw Failure::system("open " + path, errno, errno == ENOENT ? "is the path right?" : "");
  std::string content;
  for (;;) {
    const auto before = content.size();
    content.resize(before + std::min<std::uint64_t>(kReadBytes, most - before + 1));
    const auto n = read_some(is_input ? standard_input : file.get(), content.data() + before,
                             content.size() - before, is_input ? "standard input" : path);
    content.resize(before + n);
    if (n == 0) return content;
    if (content.size() > most) return std::nullopt;
  }
}

std::string whole_file(const std::string& path, int standard_input, std::uint64_t most) {
  auto content = file_up_to(path, standard_input, most);
  if (content) return std::move(*content);
  throw Failure((path == "-" ? std::string("standard input") : path) + " has more than " +
                    counted(most, "byte") + ", the limit; nothing was sent",
                kRaiseLimit);
}

}  // namespace standpipe::cli
