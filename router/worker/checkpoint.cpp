// SPDX-License-Identifier: Apache-2.0
#include "worker/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/fd.h"
#include "base/folder.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kFirstLine = "standpipe running 1\n";
constexpr std::string_view kLastLine = "end\n";
constexpr std::string_view kAccepted = "accepted.";

std::string time_text(Nanoseconds time) {
  const auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).count());
  std::tm parts{};
  char text[32] = {};
  if (!::gmtime_r(&seconds, &parts) || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) return "?";
  return text;
}

std::string content_of(const Checkpoint& c) {
  std::string out(kFirstLine);
  const auto line = [&](const std::string& key, auto value) { out += key + '=' + std::to_string(value) + '\n'; };
  line("began", c.began.count());
  line("pid", c.pid);
  line("at", c.at.count());
  line("in_flight", c.in_flight);
  line("waiting_bytes", c.waiting_bytes);
  for (const auto& source : c.sources) line(std::string(kAccepted) + as_file_name(source.name), source.accepted);
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

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

std::string Checkpoint::text() const {
  if (began == Nanoseconds(0))
    return "the last hub did not end by itself, and left no checkpoint: what was in memory or in kernel pipes then is lost";
  std::uint64_t accepted = 0;
  for (const auto& source : sources) accepted += source.accepted;
  return "the hub that began at " + time_text(began) + " (process " + std::to_string(pid) +
         ") did not end by itself; at its last checkpoint, " + time_text(at) + ", it had accepted " + counted(accepted, "message") +
         ", and " + counted(in_flight, "delivery was", "deliveries were") + " not finished (" + counted(waiting_bytes, "byte") +
         " in memory): what of them was in memory or in kernel pipes is lost, and so may be what came after that";
}

std::optional<Checkpoint> CheckpointFile::previous() const {
  std::ifstream in(path_, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string content{std::istreambuf_iterator<char>(in), {}};
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
  const auto temporary = path_ + ".tmp";
  const auto failed = [&] { return Failure::system("write " + path_, errno); };
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failed();
  errno = write_all(fd.get(), content_of(checkpoint));
  if (errno != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0) return failed();
  return std::nullopt;
}

void CheckpointFile::remove() const {
  ::unlink((path_ + ".tmp").c_str());
  ::unlink(path_.c_str());
}

}  // namespace standpipe::worker
