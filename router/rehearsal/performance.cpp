// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/performance.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "deliver/options.h"

namespace standpipe::rehearsal {
namespace {

using config::FailOptions;
using config::Fate;

// Empty: `problem` says why not.
std::optional<std::string> content_of(const std::string& path, std::string& problem) {
  // O_NONBLOCK: a FIFO is refused, and not waited for.
  const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  const auto refused = [&](const std::string& why) {
    problem = "cannot read " + quoted(path) + ": " + why;
    return std::nullopt;
  };
  if (!file || ::fstat(file.get(), &st) != 0) return refused(std::strerror(errno));
  if (!S_ISREG(st.st_mode)) return refused("it is no regular file");
  if (static_cast<std::uint64_t>(st.st_size) > kSentFileMax)
    return refused("it has more than " + size_text(kSentFileMax));
  std::string content(static_cast<std::size_t>(st.st_size), '\0');
  const auto n = ::read(file.get(), content.data(), content.size());
  if (n < 0) return refused(std::strerror(errno));
  content.resize(static_cast<std::size_t>(n));
  return content;
}

// What becomes of a message on which its handler fails each time it is tried.
Fate fate_of_failed(const deliver::HandlerOptions& handler, FailOptions::With with) {
  if (with == FailOptions::With::retry && handler.attempts_max == 0) return Fate::waiting;
  return handler.dead_letter ? Fate::dead_letter : Fate::dropped;
}

// Puts messages where they end.
class Settling {
 public:
  Settling(const config::HubOptions& hub, const config::TestOptions& test, Performance& performance)
      : hub_(hub), test_(test), performance_(performance) {}

  void settle(std::size_t index) {
    const auto& routed = performance_.messages[index].routed;
    if (!routed.wanted) add(Fate::unmatched, index);
    for (const auto handler : routed.handlers) {
      const auto fail = std::find_if(test_.fails.begin(), test_.fails.end(),
                                     [&](const auto& f) { return f.handler == handler; });
      if (hub_.handlers[handler].is_for_unmatched_letters())
        add(Fate::dead_letter, index);
      else if (fail == test_.fails.end())
        performance_.delivered[handler].push_back(index);
      else
        add(fate_of_failed(hub_.handlers[handler], fail->with), index);
    }
  }

 private:
  void add(Fate fate, std::size_t index) {
    performance_.by_fate[static_cast<std::size_t>(fate)].push_back(index);
  }
  const config::HubOptions& hub_;
  const config::TestOptions& test_;
  Performance& performance_;
};

}  // namespace

const Performance::Indexes& Performance::of(const config::ExpectOptions& expect) const {
  static const Indexes kNone;
  if (!expect.handler) return by_fate[static_cast<std::size_t>(expect.fate)];
  const auto at = delivered.find(*expect.handler);
  return at == delivered.end() ? kNone : at->second;
}

std::uint64_t Performance::faults_of(Fate fate) const {
  return static_cast<std::uint64_t>(std::count_if(
      faults.begin(), faults.end(), [&](const auto& f) { return f.fault.fate == fate; }));
}

std::uint64_t Performance::count(const config::ExpectOptions& expect) const {
  const bool counts_faults = !expect.handler && config::is_fault(expect.fate);
  return counts_faults ? faults_of(expect.fate) : of(expect).size();
}

Performance perform(Rehearsal& rehearsal, const config::TestOptions& test) {
  Performance performance;
  performance.written.reserve(test.sends.size());  // messages point into them
  Settling settling(rehearsal.hub(), test, performance);
  for (const auto& send : test.sends) {
    auto content =
        send.file.empty() ? std::optional(send.bytes) : content_of(send.file, performance.problem);
    if (!content) return performance;
    const auto& bytes = performance.written.emplace_back(
        send.raw ? std::move(*content) : rehearsal.framed(send.source, *content));
    auto stream = read_stream(rehearsal.codec(send.source), bytes);
    for (const auto& message : stream.messages) {
      performance.messages.push_back({send.source, message.payload, send.meta,
                                      rehearsal.route(send.source, message.payload, send.meta)});
      settling.settle(performance.messages.size() - 1);
    }
    if (stream.fault) performance.faults.push_back({send.source, std::move(*stream.fault)});
  }
  return performance;
}

}  // namespace standpipe::rehearsal
