// SPDX-License-Identifier: Apache-2.0
#include "deliver/polling.h"

#include <poll.h>

#include <catch2/catch.hpp>
#include <optional>

using namespace standpipe;
using namespace standpipe::deliver;
using namespace std::chrono_literals;

namespace {

class Sink final : public MessageSink {
 public:
  std::optional<MakeCredit> room(std::uint64_t) override { return std::nullopt; }
  void append(std::span<const MadeMessage>) override {}
  void call_is_over() override {}
  std::uint64_t message_size_max() const override { return 1; }
  std::uint64_t safe_until() const override { return safe; }
  std::uint64_t safe = 0;
};

// An instance of a source plugin that hears of what is safe.
class Fixture {
 public:
  explicit Fixture(Placement placement = Placement::thread) {
    source.size = sizeof source;
    source.committed = [](void*, std::uint64_t) {};
    abi.size = sizeof abi;
    abi.source = &source;
    plugin.abi = &abi;
    options.plugin = &plugin;
    options.is_source = true;
    options.placement = placement;
    polling.emplace(options, sink);
  }
  bool is_ended() const {
    pollfd fd{polling->wake_fd(), POLLIN, 0};
    return ::poll(&fd, 1, 0) == 1;
  }

  standpipe_source source{};
  standpipe_plugin abi{};
  plugin::Plugin plugin;
  HandlerOptions options;
  Sink sink;
  std::optional<Polling> polling;
};

constexpr MakeCredit kCredit{.messages = 5};

}  // namespace

TEST_CASE("A source that may wait is polled again at once, for a second, or half of its timeout") {
  Fixture f;
  CHECK(f.polling->terms(3s, kCredit).deadline == 4s);
  CHECK(f.polling->terms(3s, kCredit).credit.messages == 5);
  f.polling->began(f.polling->terms(3s, kCredit));
  f.polling->came_back(0, 4s);
  CHECK(f.polling->is_due(4s));
  f.options.timeout = 100ms;
  CHECK(f.polling->terms(3s, kCredit).deadline == 3s + 50ms);
}

TEST_CASE("A source that may not wait is polled now and then, and at once while it brings some") {
  Fixture f(Placement::inline_);
  const auto terms = f.polling->terms(3s, kCredit);
  CHECK(terms.deadline == 3s);
  f.polling->began(terms);
  f.polling->came_back(0, 3s);
  CHECK_FALSE(f.polling->is_due(3s));
  CHECK(f.polling->is_due(3s + Polling::kPause));
  f.polling->came_back(1, 3s);
  CHECK(f.polling->is_due(3s));
}

TEST_CASE("A source that could wait, and does not, is not asked without end") {
  Fixture f;
  f.polling->began(f.polling->terms(3s, kCredit));
  f.polling->came_back(0, 3s + 1ms);
  CHECK_FALSE(f.polling->is_due(3s + 1ms));
  f.polling->began(f.polling->terms(4s, kCredit));
  f.polling->end();  // it was asked to return
  f.polling->came_back(0, 4s + 1ms);
  CHECK(f.polling->is_due(4s + 1ms));
  f.polling->began(f.polling->terms(5s, {}));  // it only heard what is safe
  f.polling->came_back(0, 5s);
  CHECK(f.polling->is_due(5s));
}

TEST_CASE("A source hears what is safe once, and only if it wants to") {
  Fixture f;
  CHECK_FALSE(f.polling->has_news());
  f.sink.safe = 7;
  CHECK(f.polling->has_news());
  const auto terms = f.polling->terms(1s, {});
  CHECK(terms.safe_until == 7);
  f.polling->began(terms);
  CHECK_FALSE(f.polling->has_news());
  f.sink.safe = 8;
  f.source.committed = nullptr;
  CHECK_FALSE(f.polling->has_news());
}

TEST_CASE("After few messages the next poll is a round later, so that it tells what is safe") {
  Fixture f;
  f.polling->began(f.polling->terms(3s, kCredit));
  f.polling->came_back(1, 3s);
  CHECK(f.polling->is_due(3s));
  CHECK(f.polling->waits_a_round());
  CHECK_FALSE(f.polling->waits_a_round());
  f.polling->came_back(Polling::kFew + 1, 3s);
  CHECK_FALSE(f.polling->waits_a_round());
  f.polling->came_back(0, 3s);
  CHECK_FALSE(f.polling->waits_a_round());
  f.source.committed = nullptr;  // it wants to hear nothing
  f.polling->came_back(1, 3s);
  CHECK_FALSE(f.polling->waits_a_round());
}

TEST_CASE("A poll is ended by its descriptor, until the next one begins") {
  Fixture f;
  CHECK_FALSE(f.is_ended());
  f.polling->end();
  f.polling->end();
  CHECK(f.is_ended());
  f.polling->began({});
  CHECK_FALSE(f.is_ended());
}
