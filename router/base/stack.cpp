// SPDX-License-Identifier: Apache-2.0
#include "base/stack.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/text.h"

namespace standpipe {
namespace {

constexpr rlim_t kMainStackWanted = 8 * MiB;  // what Linux gives where nobody set a limit
constexpr rlim_t kMainStackEnough = 1 * MiB;  // less was not set for us, and is raised

// The kernel looks at the limit whenever the stack grows, so a new one counts from now on.
rlim_t raise_limit(rlimit limit) {
  if (limit.rlim_cur >= kMainStackEnough) return limit.rlim_cur;
  const rlimit wanted{kMainStackWanted, std::max(kMainStackWanted, limit.rlim_max)};
  if (::setrlimit(RLIMIT_STACK, &wanted) == 0) return wanted.rlim_cur;
  limit.rlim_cur = std::min(limit.rlim_max, kMainStackWanted);  // only root raises the hard one
  return ::setrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : 0;
}

// Their default was taken from the limit when the process began.
void give_threads_room() {
  pthread_attr_t attributes;
  if (::pthread_getattr_default_np(&attributes) != 0) return;
  std::size_t bytes = 0;
  if (::pthread_attr_getstacksize(&attributes, &bytes) == 0 && bytes < kThreadStackLeast &&
      ::pthread_attr_setstacksize(&attributes, kThreadStackLeast) == 0)
    (void)::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace

std::optional<Failure> make_room_for_stacks() {
  give_threads_room();
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0) return std::nullopt;
  const auto bytes = raise_limit(limit);
  if (bytes >= kMainStackLeast) return std::nullopt;
  return Failure("the stack may have " + size_text(bytes) + ", and standpipe needs " +
                     size_text(kMainStackLeast),
                 "raise the limit: ulimit -s 8192 (or LimitSTACK= in the service's unit)");
}

}  // namespace standpipe
