// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_host.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

const std::string kTooMany =
    "a handler can have " + std::to_string(kOutputsMax) + " outputs at most";

}  // namespace

PluginHost::PluginHost(const std::string& handler, const HandlerNeeds& needs)
    : handler_(handler),
      clock_(needs.clock),
      reporter_(needs.reporter),
      stopping_(needs.stopping),
      opener_(needs.opener) {}

PluginHost::~PluginHost() { report_left_out(Nanoseconds::max()); }

// It is decided before anything is done with the text, because most of a flood is left out.
void PluginHost::log(std::uint32_t level, std::string_view text) {
  if (level < STANDPIPE_LOG_ERROR || level > STANDPIPE_LOG_INFO) return;
  const auto now = clock_.steady();
  bool is_allowed = false;
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(log_mutex_);
    is_allowed = log_throttle_.allow(level - STANDPIPE_LOG_ERROR, text.size(), now);
    left_out = log_throttle_.take_left_out(now);
  }
  say_left_out(left_out);
  if (!is_allowed) return;
  auto line = handler_ + ": " + std::string(text);
  if (level == STANDPIPE_LOG_ERROR)
    reporter_.error("plugin", std::move(line));
  else if (level == STANDPIPE_LOG_WARNING)
    reporter_.warning("plugin", std::move(line));
  else
    reporter_.info(std::move(line));
}

void PluginHost::report_left_out(Nanoseconds now) {
  std::uint64_t lines = 0;
  {
    const std::lock_guard lock(log_mutex_);
    lines = log_throttle_.take_left_out(now);
  }
  say_left_out(lines);
}

void PluginHost::say_left_out(std::uint64_t lines) {
  if (lines > 0)
    reporter_.warning("plugin",
                      handler_ +
                          ": it logs too much: " + counted(lines, "more line", "more lines") +
                          (lines == 1 ? " was" : " were") + " left out",
                      "of its errors, its warnings and its information, the hub takes " +
                          thousands(LogThrottle::kLines) + " lines, or 64KiB, of each in " +
                          duration_text(LogThrottle::kWindow));
}

std::uint64_t PluginHost::now() { return static_cast<std::uint64_t>(clock_.wall().count()); }

std::uint32_t PluginHost::add_fifo(const plugin::FifoOutputRequest& request, std::string& why) {
  if (!in_open_) {
    why = "outputs can be added in open only";
    return 0;
  }
  if (outputs_.size() >= kOutputsMax) {
    why = kTooMany;
    return 0;
  }
  auto* output = opener_.open(request, why);
  if (!output) return 0;
  outputs_.push_back(output);
  return static_cast<std::uint32_t>(outputs_.size());
}

// The plugin's own descriptor may be closed when the loop comes to it.
std::uint32_t PluginHost::add_file(const plugin::FileOutputRequest& request, std::string& why) {
  if (!takes_files_) {
    why = "files can be added in open, handle and reopen only";
    return 0;
  }
  Fd file(::fcntl(request.fd, F_DUPFD_CLOEXEC, 0));
  const int flags = file ? ::fcntl(file.get(), F_GETFL) : 0;
  if (!file || !(flags & O_APPEND) || (flags & O_ACCMODE) == O_RDONLY) {
    why = request.path + " is not open to append (O_APPEND)";
    return 0;
  }
  auto* output = opener_.open_file(request, why);
  if (!output) return 0;
  const auto number = number_of(output);
  if (number == 0) {
    why = kTooMany;
    return 0;
  }
  lent_.push_back({output, std::move(file), request.sync});
  return number;
}

// 0: there is no room for another.
std::uint32_t PluginHost::number_of(Output* output) {
  const auto at = std::ranges::find(outputs_, output);
  if (at != outputs_.end()) return static_cast<std::uint32_t>(at - outputs_.begin()) + 1;
  if (outputs_.size() >= kOutputsMax) return 0;
  outputs_.push_back(output);
  return static_cast<std::uint32_t>(outputs_.size());
}

bool PluginHost::send_all_until(std::uint32_t output, std::uint64_t bytes, std::uint64_t time_ns) {
  if (!takes_files_ || !has_output(output) || !this->output(output).file()) return false;
  grant_ = {output, bytes, time_ns};
  return true;
}

bool PluginHost::send_all(std::uint32_t output) {
  if (!in_open_ || !has_output(output)) return false;
  grant_ = {output, 0, 0};
  return true;
}

void PluginHost::settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t count,
                        std::uint32_t outcome, std::string_view why) {
  if (late_outcomes_.push(ticket, first, count, outcome, why)) wake_();
}

void PluginHost::begin_open() {
  outputs_.clear();
  end_grant();
  lent_.clear();
  in_open_ = takes_files_ = true;
}

// ---- the loop

std::uint64_t PluginHost::granted() const {
  const auto* file = output(grant_.output).file();
  if (!file) return ~std::uint64_t{0};
  if (file->is_stopped()) return 0;
  if (grant_.time_ns && static_cast<std::uint64_t>(clock_.wall().count()) >= grant_.time_ns)
    return 0;
  if (!grant_.bytes) return ~std::uint64_t{0};
  return grant_.bytes - std::min(grant_.bytes, file->size_to_come());
}

// An output that was made just now becomes known to the hub a little later.
void PluginHost::adopt_files() {
  std::erase_if(lent_, [](auto& lent) {
    if (!lent.output->is_attached()) return false;
    lent.output->file()->use(std::move(lent.file), lent.sync);
    return true;
  });
}

void PluginHost::release_files() {
  lent_.clear();
  for (auto* output : outputs_)
    if (output->is_attached() && output->file()) output->file()->release();
}

bool PluginHost::has_files() const { return std::ranges::any_of(outputs_, &Output::file); }

bool PluginHost::is_quiet() const {
  return std::ranges::all_of(outputs_,
                             [](const auto* o) { return !o->is_attached() || o->is_quiet(); });
}

std::optional<std::string> PluginHost::take_failure() {
  for (auto* output : outputs_) {
    if (!output->is_attached() || !output->file()) continue;
    if (auto failure = output->file()->take_failure()) return failure;
  }
  return {};
}

bool PluginHost::accepts() const {
  return std::all_of(outputs_.begin(), outputs_.end(),
                     [](const Output* o) { return o->accepts(); });
}

std::size_t PluginHost::pending() const {
  std::size_t sum = 0;
  for (const auto* output : outputs_) sum += output->pending();
  return sum;
}

void PluginHost::expect() {
  for (auto* output : outputs_) output->expect();
}

void PluginHost::expected() {
  for (auto* output : outputs_) output->expected();
}

}  // namespace standpipe::deliver
