// SPDX-License-Identifier: Apache-2.0
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"

namespace standpipe::conformance {
namespace {

// A refusal is a sound answer of what needs more than such a host has.
void live_with(Subject& subject, testing::Shape shape, bool has_powers) {
  Instance instance(subject, testing::Lending::guarded, shape);
  instance.host.has_outputs = instance.host.has_settle = instance.host.has_emit = has_powers;
  if (!instance.handler().created.ok() || !instance.handler().open().ok()) return;
  explain_faults([&](const void* address) { return instance.handler().lent_at(address); });
  check_answer(feed(instance, ordinary_batch(),
                    {.source = "in", .attempt = 1, .source_meta = {{"topic", "t"}}}));
  check_answer(feed(instance, odd_batch()));
  instance.handler().close();
  explain_faults({});
}

void check_older_host(Subject& subject) {
  if (subject.abi().abi_minor == 0) live_with(subject, testing::Shape::minor_0, true);
}

void check_newer_host(Subject& subject) { live_with(subject, testing::Shape::larger, true); }

void check_plain_host(Subject& subject) { live_with(subject, testing::Shape::today, false); }

}  // namespace

std::vector<Check> host_checks() {
  return {
      {"older_host", "touches nothing that a host of the minor version it needs lacks", "overreads",
       "test with STANDPIPE_HAS and STANDPIPE_STRIDE_HAS, or state abi_minor 1", check_older_host},
      {"newer_host", "finds its way in structs that are longer than it knows", "overreads",
       "advance by batch->stride and config->value_stride, not by sizeof", check_newer_host},
      {"plain_host", "bears a host that lacks the optional powers", "overreads",
       "extension returns NULL for what a host lacks: answer FATAL with a reason then",
       check_plain_host},
  };
}

}  // namespace standpipe::conformance
