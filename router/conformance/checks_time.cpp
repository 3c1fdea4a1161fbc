// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"

namespace standpipe::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto kBlockedMost = 100ms;  // of one call on the loop that all of the hub waits for
constexpr auto kFlushLeft = 50ms;
constexpr auto kFlushGrace = 500ms;
constexpr int kCalls = 8;

Nanoseconds now() { return SystemClock().steady(); }

long waits() {
  rusage usage{};
  (void)::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// Whoever waits gives the processor back of its own accord; whoever only computes does not, however
// busy the machine is.
void check_blocks(Subject& subject) {
  if (subject.description().abi->handler->placement != STANDPIPE_INLINE) return;
  Instance instance(subject);
  instance.opened();
  for (int i = 0; i < kCalls; ++i) {
    const auto begin = now();
    const auto waits_before = waits();
    (void)feed(instance, ordinary_batch());
    if (now() - begin > kBlockedMost && waits() > waits_before)
      throw Problem{
          "handle waited for " +
          duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(now() - begin)) +
          ", and it says that it never blocks"};
  }
}

void check_flush(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  const auto begin = now();
  (void)instance.handler().flush(kFlushLeft);
  if (const auto late = now() - begin - kFlushLeft; late > kFlushGrace)
    throw Problem{"flush came back " +
                  duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(late)) +
                  " after its deadline"};
}

void check_ticks(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  if (!instance.handler().ticks()) return;
  (void)instance.handler().advance(std::chrono::hours(1));
}

}  // namespace

std::vector<Check> time_checks() {
  return {
      {"blocks", "never waits in handle, if it says so", "outcomes",
       "leave out never_blocks() (STANDPIPE_INLINE): then it gets a thread", check_blocks},
      {"flush", "comes back from flush by the deadline", "outcomes",
       "a stop does not wait: what is not written out by then is redelivered", check_flush},
      {"ticks", "asks to be called again at times to come", "outcomes",
       "store a time after `now` into *next, or leave it alone", check_ticks},
  };
}

}  // namespace standpipe::conformance
