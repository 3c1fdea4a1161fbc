// SPDX-License-Identifier: Apache-2.0
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"

namespace standpipe::conformance {
namespace {

// Feeds a few batches with memory that is lent so strictly.
void feed_strictly(Subject& subject, testing::Lending lending, int batches) {
  Instance instance(subject, lending);
  instance.opened();
  explain_faults([&](const void* address) { return instance.handler().lent_at(address); });
  for (int i = 0; i < batches; ++i) {
    (void)feed(instance, ordinary_batch());
    (void)feed(instance, odd_batch());
  }
  if (lending == testing::Lending::kept) instance.handler().close();
  explain_faults({});
}

void check_writes(Subject& subject) { feed_strictly(subject, testing::Lending::read_only, 1); }
void check_keeps(Subject& subject) { feed_strictly(subject, testing::Lending::kept, 3); }

// Payloads that a parser might read on from.
void check_overreads(Subject& subject) {
  Instance instance(subject, testing::Lending::guarded);
  instance.opened();
  explain_faults([&](const void* address) { return instance.handler().lent_at(address); });
  for (const auto& payload : {"x", "no end", "0123456789abcdef", R"({"a":)", "\"", "\xe2"})
    (void)feed(instance, {{.payload = payload}});
  explain_faults({});
}

}  // namespace

std::vector<Check> lending_checks() {
  return {
      {"writes", "does not write to what it is lent", "bytes",
       "copy a message before you change it: in a process of its own the hub lends it read-only",
       check_writes},
      {"overreads", "reads no byte beyond a payload's end", "bytes",
       "payloads are not NUL-terminated: use the size", check_overreads},
      {"keeps", "uses nothing after the call that lent it", "bytes",
       "copy what is needed later: the hub uses the memory again", check_keeps},
  };
}

}  // namespace standpipe::conformance
