// SPDX-License-Identifier: Apache-2.0
#include "worker/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

#include "base/folder.h"
#include "base/limits.h"
#include "base/opening.h"
#include "base/replaced_file.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kFirstLine = "standpipe running 1\n";
constexpr std::string_view kLastLine = "end\n";
constexpr std::string_view kAccepted = "accepted.";
constexpr std::size_t kContentBytesMost = 4 * MiB;  // 10,000 sources with the longest names

std::string time_text(Nanoseconds time) {
  const auto seconds =
      static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).count());
  std::tm parts{};
  char text[32] = {};
  if (!::gmtime_r(&seconds, &parts) ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
    return "?";
  return text;
}

std::string content_of(const Checkpoint& c) {
  std::string out(kFirstLine);
  const auto line = [&](const std::string& key, auto value) {
    out += key + '=' + std::to_string(value) + '\n';
  };
  line("began", c.began.count());
  line("pid", c.pid);
  line("at", c.at.count());
  line("in_flight", c.in_flight);
  line("waiting_bytes", c.waiting_bytes);
  for (const auto& source : c.sources)
    line(std::string(kAccepted) + as_file_name(source.name), source.accepted);
  return out.append(kLastLine);
}

template <class Number>
void read_number(std::string_view text, Number& number) {
  std::from_chars(text.data(), text.data() + text.size(), number);
}

void read_line(std::string_view line, Checkpoint& c) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const auto key = line.substr(0, equals);
  const auto value = line.substr(equals + 1);
  std::int64_t time = 0;
  if (key == "began" || key == "at") {
    read_number(value, time);
    (key == "at" ? c.at : c.began) = Nanoseconds(time);
  }
  if (key == "pid") read_number(value, c.pid);
  if (key == "in_flight") read_number(value, c.in_flight);
  if (key == "waiting_bytes") read_number(value, c.waiting_bytes);
  if (!key.starts_with(kAccepted)) return;
  if (const auto name = from_file_name(key.substr(kAccepted.size()))) {
    c.sources.push_back({*name, 0});
    read_number(value, c.sources.back().accepted);
  }
}

// At most the size of a checkpoint; anything larger is not one.
std::string content_at(int fd) {
  std::string content(kContentBytesMost, '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const auto n = ::read(fd, content.data() + filled, content.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  content.resize(filled);
  return content;
}

}  // namespace

std::string Checkpoint::text() const {
  if (began == Nanoseconds(0))
    return "the last hub did not end by itself, and left no checkpoint: what was in memory or in "
           "kernel pipes then is lost";
  std::uint64_t accepted = 0;
  for (const auto& source : sources) accepted += source.accepted;
  return "the hub that began at " + time_text(began) + " (process " + std::to_string(pid) +
         ") did not end by itself; at its last checkpoint, " + time_text(at) +
         ", it had accepted " + counted(accepted, "message") + ", and " +
         counted(in_flight, "delivery was", "deliveries were") + " not finished (" +
         counted(waiting_bytes, "byte") +
         " in memory): those of them that were in memory or in kernel pipes are lost, and so may "
         "be messages that came later";
}

std::optional<Checkpoint> CheckpointFile::previous() const {
  const auto opened = paths::open_existing(path_, O_RDONLY, own_file());
  if (opened.problem().error == ENOENT) return std::nullopt;
  const auto content = opened ? content_at(opened.fd()) : std::string();
  Checkpoint checkpoint;
  std::string_view rest = content;
  if (!rest.starts_with(kFirstLine) || !rest.ends_with(kLastLine)) return checkpoint;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    read_line(rest.substr(0, end), checkpoint);
    rest.remove_prefix(end + 1);
  }
  return checkpoint;
}

std::optional<Failure> CheckpointFile::write(const Checkpoint& checkpoint) const {
  return replace_file(path_, content_of(checkpoint), false);
}

void CheckpointFile::remove() const {
  for (const auto& path : {path_ + ".tmp", path_})
    if (const paths::Entry entry(path, own_file()); entry) (void)entry.remove();
}

}  // namespace standpipe::worker
