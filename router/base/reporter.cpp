// SPDX-License-Identifier: Apache-2.0
#include "base/reporter.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/text.h"

namespace standpipe {

void Reporter::warning(std::string code, std::string message, std::string help) {
  Diagnostic d{
      .severity = Severity::warning, .code = std::move(code), .message = std::move(message)};
  if (!help.empty()) d.help.push_back(std::move(help));
  say(d);
}

void Reporter::error(std::string code, std::string message, std::string help) {
  Diagnostic d{.severity = Severity::error, .code = std::move(code), .message = std::move(message)};
  if (!help.empty()) d.help.push_back(std::move(help));
  say(d);
}

bool wants_colour(int fd) {
  const char* no = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(fd) && !(no && *no) && !(term && std::string_view(term) == "dumb");
}

StreamReporter::StreamReporter(int fd, LogFormat format)
    : out_(fd), format_(format), colour_(wants_colour(fd)) {}

void StreamReporter::say(const Diagnostic& d) {
  const auto now = SystemClock().wall();
  auto text = log_entry(d, format_, colour_, now);
  const std::lock_guard lock(mutex_);
  if (lost_) {
    const Diagnostic lost{.severity = Severity::warning,
                          .code = "lost-lines",
                          .message = counted(lost_, "line") + " could not be written here"};
    text = log_entry(lost, format_, colour_, now) + text;
  }
  lost_ = out_.write(text) == text.size() ? 0 : lost_ + 1;
}

}  // namespace standpipe
