// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "base/limits.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"

namespace standpipe::conformance {
namespace {

constexpr std::size_t kMany = 10'000;
constexpr int kRandomBatches = 50;
constexpr auto kThreadsMost = std::chrono::milliseconds(500);

void check_fed(Subject& subject, std::vector<testing::Message> messages) {
  Instance instance(subject);
  instance.opened();
  const auto count = messages.size();
  const auto answer = feed(instance, std::move(messages));
  check_answer(answer);
  if (answer.settled > count) throw Problem{"it settled more messages than there were"};
}

void check_no_messages(Subject& subject) { check_fed(subject, {}); }

void check_many(Subject& subject) {
  std::vector<testing::Message> messages(kMany);
  for (std::size_t i = 0; i < kMany; ++i) messages[i].payload = std::to_string(i);
  check_fed(subject, std::move(messages));
}

void check_no_bytes(Subject& subject) {
  check_fed(subject, {{.payload = ""}, {.payload = "x"}, {.payload = ""}});
}

void check_large(Subject& subject) {
  check_fed(subject, {{.payload = std::string(16 * MiB, 'x')}});
}

void check_bytes(Subject& subject) {
  check_fed(subject, odd_batch());
  Instance instance(subject);
  instance.opened();
  check_answer(feed(instance, odd_batch(),
                    {.source = "in", .attempt = 1, .source_meta = {{"topic", "\xff"}}}));
}

void check_outcome_reasons(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  auto messages = odd_batch();
  messages.push_back({});
  while (!messages.empty()) {
    const auto answer = feed(instance, messages);
    if (!answer.ok() && answer.reason.empty())
      throw Problem{"handle answered " + std::to_string(answer.answer) + " without a reason"};
    bool is_explained = !answer.reason.empty();
    bool needs_one = false;
    for (std::size_t i = 0; i < answer.settled; ++i) {
      const auto outcome = answer.outcomes[i];
      needs_one = needs_one || outcome == STANDPIPE_RETRY || outcome == STANDPIPE_REJECT;
      is_explained = is_explained || !answer.reasons[i].empty();
    }
    if (needs_one && !is_explained)
      throw Problem{"handle retried or rejected a message without a reason"};
    if (answer.settled == 0) return;
    messages.erase(messages.begin(),
                   messages.begin() + static_cast<std::ptrdiff_t>(answer.settled));
  }
}

void check_replay(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  check_answer(instance.handler().replay());
  check_answer(instance.handler().retry());
  check_answer(feed(instance, {{.payload = "a gap", .sequence = 1'000'000}}));
}

// Where its threads settle what it took, they may emit, too; so they are given some time.
void check_emits(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  (void)feed(instance, ordinary_batch());
  (void)instance.host.wait_for_settlements(instance.host.taken(), kThreadsMost);
  (void)instance.handler().flush();
  instance.handler().close();
  instance.handler().destroy();
  if (instance.host.outside > 0)
    throw Problem{"it emits outside of handle and tick, or in another thread than theirs"};
}

void check_random(Subject& subject) {
  std::mt19937_64 random(subject.request().seed);
  Instance instance(subject);
  instance.opened();
  for (int i = 0; i < kRandomBatches; ++i) {
    const auto attempt = static_cast<std::uint32_t>(1 + random() % 3);
    check_answer(feed(instance, random_batch(random), {.source = "random", .attempt = attempt}));
    if (random() % 10 == 0) {
      instance.handler().close();
      instance.opened();
    }
  }
}

}  // namespace

// In a row: what fails on an empty message fails on most of what comes after it, too.
std::vector<Check> message_checks() {
  return {
      {"no_messages", "comes back from a batch without messages", "outcomes",
       "a hub makes none, but a loop should bear it", check_no_messages},
      {"many", "handles a batch of 10,000 messages", "outcomes",
       "no array of a fixed length has room for a batch; close leaves what was taken and is not "
       "settled, for it is redelivered",
       check_many},
      {"large", "handles a message of 16 MiB", "outcomes",
       "put no payload on the stack; `max_message_size` of a source may be larger still",
       check_large},
      {"replay", "handles the same sequences again, and gaps", "outcomes",
       "after a death a message comes again: remember its sequence only to leave it out",
       check_replay},
      {"no_bytes", "handles messages of no bytes", "reopens", "data may be NULL where size is 0",
       check_no_bytes},
      {"bytes", "handles NULs, control characters and what is not UTF-8", "no_bytes",
       "payloads are bytes: use the size, and check before you take them for text", check_bytes},
      {"outcome_reasons", "says why it retries or rejects a message", "bytes",
       "fill in the result's reason, or a note: it is all that `standpipe dead list` can show",
       check_outcome_reasons},
      {"emits", "emits nothing outside of handle and tick, or in a thread of its own", "outcomes",
       "hand it to tick, for which a thread asks by Host::wake; or write a source", check_emits},
      {"random", "handles batches of random bytes", "bytes",
       "the same --seed makes the same messages", check_random},
  };
}

}  // namespace standpipe::conformance
