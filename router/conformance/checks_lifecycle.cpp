// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "base/text.h"
#include "conformance/bounds.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/feeds.h"
#include "conformance/state.h"

namespace standpipe::conformance {
namespace {

void need_handler(Subject& subject) {
  if (!subject.description().is_handler()) throw NotMeant{"it offers no handler"};
}

void check_create(Subject& subject) {
  need_handler(subject);
  Instance instance(subject);
  if (!instance.handler().created.ok())
    throw Problem{"create failed: " + instance.handler().created.reason};
}

void check_create_quiet(Subject& subject) {
  (void)subject.description();
  const BeforeCreate before;
  Instance instance(subject);
  if (const auto fault = before.fault(); !fault.empty()) throw Problem{fault};
}

void check_options(Subject& subject) {
  for_each_bound(subject, [&](const std::string& what, const testing::Options& options) {
    Instance instance(subject, options);
    const auto answer = instance.handler().created;
    if (!answer.ok() && !answer.fatal())
      throw Problem{"create answered " + std::to_string(answer.answer) + " to " +
                    escaped(what.substr(0, 80)) + "; it may answer OK or FATAL"};
    instance.handler().destroy();
  });
}

void need_reason(const std::string& call, const testing::Status& answer) {
  if (!answer.ok() && answer.reason.empty())
    throw Problem{call + " answered " + std::to_string(answer.answer) + " without a reason"};
}

void check_reasons(Subject& subject) {
  for_each_bound(subject, [&](const std::string& what, const testing::Options& options) {
    Instance instance(subject, options);
    need_reason("create with " + escaped(what.substr(0, 80)), instance.handler().created);
  });
  auto& handler = (new Instance(subject))->handler();  // for ever: to close it is a later check
  if (handler.created.ok()) need_reason("open", handler.open());
}

void check_opens(Subject& subject) {
  auto* instance = new Instance(subject);  // for ever: to close it is the next check
  instance->opened();
}

void check_closes(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  instance.handler().close();
  instance.handler().destroy();
}

void check_handles(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  try {
    (void)feed(instance, ordinary_batch());
  } catch (const testing::BrokenContract&) {  // it came back; how is other checks' business
  }
}

void check_exceptions(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  const auto call = [](auto&& body) {
    try {
      body();
    } catch (const testing::BrokenContract& broken) {
      const std::string what = broken.what();
      if (what.find(" threw ") != std::string::npos) throw Problem{what};
    }
  };
  call([&] { (void)feed(instance, ordinary_batch()); });
  call([&] { (void)instance.handler().reopen(); });
  call([&] { (void)instance.handler().flush(std::chrono::seconds(5)); });
  call([&] { instance.handler().close(); });
  call([&] { instance.handler().destroy(); });
}

void check_status(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  try {
    check_answer(feed(instance, ordinary_batch()));
  } catch (const testing::BrokenContract& broken) {
    throw Problem{broken.what()};
  }
  for (const auto& answer : {instance.handler().reopen(), instance.handler().flush()})
    if (answer.answer > STANDPIPE_FATAL)
      throw Problem{"a call answered " + std::to_string(answer.answer) + ", which no host knows"};
}

void check_outcomes(Subject& subject) {
  Instance instance(subject);
  instance.opened();
  const auto answer = feed(instance, ordinary_batch());
  const auto outputs = instance.host.fifos.size() + instance.host.files.size();
  for (const auto outcome : answer.outcomes) {
    if (outcome > STANDPIPE_TAKEN)
      throw Problem{"handle gave a message the outcome " + std::to_string(outcome) +
                    ", which no host knows"};
    if (outcome == STANDPIPE_SEND && (answer.output == 0 || answer.output > outputs))
      throw Problem{"handle sends a message to output " + std::to_string(answer.output) +
                    ", which it did not add"};
  }
}

void check_reopens(Subject& subject) {
  Instance instance(subject);
  for (int round = 0; round < 3; ++round) {
    instance.opened();
    (void)feed(instance, ordinary_batch());
    instance.handler().close();
  }
}

void check_instances(Subject& subject) {
  auto first = std::make_unique<Instance>(subject);
  Instance second(subject, subject.options("-2"));
  first->opened();
  (void)feed(*first, ordinary_batch());
  second.opened();
  (void)feed(second, ordinary_batch());
  first->handler().close();
  first->handler().destroy();
  first.reset();
  (void)feed(second, ordinary_batch());
}

void check_any_thread(Subject& subject) {
  Instance instance(subject);
  std::exception_ptr failure;
  const auto elsewhere = [&](auto&& body) {
    std::thread([&] {
      try {
        body();
      } catch (...) {
        failure = std::current_exception();
      }
    }).join();
    if (failure) std::rethrow_exception(failure);
  };
  elsewhere([&] { instance.opened(); });
  elsewhere([&] { (void)feed(instance, ordinary_batch()); });
  elsewhere([&] { (void)feed(instance, ordinary_batch()); });
  elsewhere([&] { instance.handler().close(); });
}

}  // namespace

std::vector<Check> lifecycle_checks() {
  return {
      {"create", "makes an instance", "description",
       "if it needs options that nobody can guess, give them: --option NAME=VALUE", check_create},
      {"create_quiet", "touches nothing outside when an instance is made", "create",
       "`standpipe check` and each start make an instance only to throw it away: connect in open",
       check_create_quiet},
      {"options", "comes back from each limit, choice and default of its options", "create",
       "return FATAL with a reason, or throw from the constructor, for what it cannot take",
       check_options},
      {"reasons", "says why where it refuses options or does not open", "options",
       "fill in the reason: without one, nobody knows what to mend", check_reasons},
      {"opens", "opens", "create",
       "give it options with which it can open here: --option NAME=VALUE", check_opens},
      {"closes", "comes back from close and destroy", "opens", "wait for nothing without a limit",
       check_closes},
      {"handles", "comes back from handle with three messages", "closes",
       "run the plugin's own tests under a debugger", check_handles},
      {"exceptions", "lets no exception out of any call", "handles",
       "catch all in each function that the host calls, as standpipe/plugin.hpp does",
       check_exceptions},
      {"status", "answers each call with OK, DISCONNECTED or FATAL", "exceptions",
       "return one of STANDPIPE_OK, STANDPIPE_DISCONNECTED, STANDPIPE_FATAL", check_status},
      {"outcomes", "gives messages outcomes that exist, and outputs that it added", "status",
       "a host takes an outcome that it does not know for a retry", check_outcomes},
      {"reopens", "can be closed and opened again", "outcomes",
       "set up in open all that close takes down: an outage of a minute is a close and an open",
       check_reopens},
      {"instances", "works when there are two of it", "outcomes",
       "keep everything in the instance: a configuration may have several", check_instances},
      {"any_thread", "is content to be called from different threads", "outcomes",
       "keep nothing in thread_local: calls never overlap, but come from different threads",
       check_any_thread},
  };
}

}  // namespace standpipe::conformance
