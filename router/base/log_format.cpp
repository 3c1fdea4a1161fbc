// SPDX-License-Identifier: Apache-2.0
#include "base/log_format.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/text.h"

namespace standpipe {
namespace {

// "2024-05-01T12:00:00.250+02:00", as RFC 3339 has it.
std::string local_time_text(Nanoseconds wall) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(wall);
  const auto whole = std::chrono::floor<std::chrono::seconds>(ms);
  const std::time_t seconds = whole.count();
  std::tm time{};
  ::localtime_r(&seconds, &time);
  std::array<char, 32> date{};
  std::array<char, 64> text{};
  (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &time);
  const long minutes = time.tm_gmtoff / 60;
  const long east = minutes < 0 ? -minutes : minutes;
  std::snprintf(text.data(), text.size(), "%s.%03d%c%02ld:%02ld", date.data(),
                static_cast<int>((ms - whole).count()), minutes < 0 ? '-' : '+', east / 60,
                east % 60);
  return text.data();
}

// The levels of syslog.
const char* journal_level(Severity severity) {
  return severity == Severity::error ? "<3>" : severity == Severity::warning ? "<4>" : "<6>";
}

std::string plain_entry(const Diagnostic& d, bool colour) {
  if (d.severity != Severity::info) return render(d, colour);
  std::string text = "info  " + d.message + '\n';
  for (const auto& n : d.notes) text += "  note: " + n + '\n';
  for (const auto& h : d.help) text += "  help: " + h + '\n';
  return text;
}

std::string before_each_line(std::string_view text, std::string_view mark) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    out.append(mark).append(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::string with_time(const std::string& json, Nanoseconds wall) {
  return "{\"time\":" + json_string(local_time_text(wall)) + ',' + json.substr(1);
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view name) {
  for (const auto format : {LogFormat::text, LogFormat::json, LogFormat::journal})
    if (name == log_format_name(format)) return format;
  return std::nullopt;
}

const char* log_format_name(LogFormat format) {
  constexpr const char* kFormatNames[] = {"plain", "text", "json", "journal"};
  return kFormatNames[static_cast<std::size_t>(format)];
}

LogFormat default_log_format(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (!stream || ::fstat(fd, &st) != 0) return LogFormat::text;
  const auto ours = std::to_string(st.st_dev) + ':' + std::to_string(st.st_ino);
  return ours == stream ? LogFormat::journal : LogFormat::text;
}

std::string log_entry(const Diagnostic& d, LogFormat format, bool colour, Nanoseconds wall) {
  switch (format) {
    case LogFormat::json:
      return with_time(render_json(d), wall);
    case LogFormat::journal:
      return before_each_line(plain_entry(d, false), journal_level(d.severity));
    case LogFormat::text:
      return local_time_text(wall) + ' ' + plain_entry(d, colour);
    case LogFormat::plain:
      break;
  }
  return plain_entry(d, colour);
}

std::string log_lines(std::string_view text, std::string_view name, std::string_view object,
                      LogFormat format, Nanoseconds wall) {
  if (format == LogFormat::text) return local_time_text(wall) + " info  " + std::string(text);
  if (format == LogFormat::journal) return before_each_line(text, journal_level(Severity::info));
  if (format == LogFormat::plain) return std::string(text);
  if (object.ends_with('\n')) object.remove_suffix(1);
  const std::string first(text.substr(0, text.find('\n')));
  const auto entry =
      render_json({.severity = Severity::info, .code = std::string(name), .message = first});
  return with_time("{" + json_string(name) + ':' + std::string(object) + ',' + entry.substr(1),
                   wall);
}

}  // namespace standpipe
