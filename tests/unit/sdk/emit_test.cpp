// SPDX-License-Identifier: Apache-2.0
//
// Handlers that emit, written with the C++ face.
#include <catch2/catch.hpp>
#include <optional>
#include <standpipe/testing.hpp>
#include <string>
#include <vector>

using namespace standpipe::testing;
using namespace std::chrono_literals;
using standpipe::testing::Pairs;

namespace {

using Outcomes = std::vector<std::uint8_t>;

// Each word of a message becomes a message.
class Words {
 public:
  static void describe(standpipe::Description& d) {
    d.name("words").version("1.0").summary("emits each word").emits();
  }
  explicit Words(const standpipe::Options& options) : host_(options.host()) {}
  standpipe::Outcome handle(const standpipe::Message& m) {
    if (m.text() == "retry") throw standpipe::retry("later");
    std::string word;
    for (const char c : std::string(m.text()) + ' ') {
      if (c != ' ') {
        word += c;
        continue;
      }
      try {
        host_.emit(m, word, {{"of", std::to_string(m.index())}, {"kind", "word"}});
      } catch (const std::exception&) {
        if (m.text() != "swallow this") throw;
      }
      word.clear();
    }
    if (m.text() == "late") throw standpipe::retry("later");
    return standpipe::Outcome::filtered;
  }

 private:
  standpipe::Host host_;
};

// Emits whole batches, and counts them by tick.
class Batches {
 public:
  static void describe(standpipe::Description& d) {
    d.name("batches").version("1.0").summary("emits what it gets").emits();
  }
  explicit Batches(const standpipe::Options& options) : host_(options.host()) {}
  void handle(standpipe::Batch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].text() == "throw") host_.emit(batch[i], "thrown");
      const auto put = host_.emit(batch, i, batch[i].text(), batch[i].metadata());
      if (put == standpipe::Put::full) return batch.stop_at(i);
      if (put == standpipe::Put::too_large) {
        batch.settle(i, standpipe::Outcome::reject);
        batch.reason(i, host_.too_large(batch[i].text(), batch[i].metadata()));
      }
      ++count_;
    }
  }
  std::optional<std::chrono::nanoseconds> tick() {
    if (host_.emit(std::to_string(count_)) == standpipe::Put::ok) count_ = 0;
    return 10s;
  }

 private:
  standpipe::Host host_;
  int count_ = 0;
};

std::vector<std::string> payloads(const std::vector<Made>& made) {
  std::vector<std::string> texts;
  for (const auto& m : made) texts.push_back(m.payload);
  return texts;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what is emitted of a message has its metadata and takes effect with its outcome") {
  Host host;
  auto words = Handler::of<Words>(host);
  REQUIRE(words.open().ok());
  const auto answer = words.handle({"a b", "c"});
  CHECK(answer.outcomes == Outcomes{STANDPIPE_FILTERED, STANDPIPE_FILTERED});
  REQUIRE(payloads(answer.emitted) == Texts{"a", "b", "c"});
  CHECK(answer.emitted[2].of == 1);
  CHECK(answer.emitted[2].meta == Pairs{{"of", "1"}, {"kind", "word"}});
  CHECK(words.handle({"late"}).emitted.empty());
}

TEST_CASE("a handler that emits into a full log ends at that message, and nothing of it counts") {
  Host host;
  host.emit_room = 3;
  auto words = Handler::of<Words>(host);
  REQUIRE(words.open().ok());
  const auto answer = words.handle({"a b", "swallow this", "c"});
  CHECK(answer.ok());
  CHECK(answer.settled == 1);
  CHECK(payloads(answer.emitted) == Texts{"a", "b"});
  host.emit_room = 2;
  CHECK(payloads(words.handle({"swallow this"}).emitted) == Texts{"swallow", "this"});
}

TEST_CASE("a message that is too large to be emitted is rejected, with its size and the limits") {
  Host host;
  host.emit_bytes_max = 4;
  auto words = Handler::of<Words>(host);
  REQUIRE(words.open().ok());
  const auto answer = words.handle({"large", "fits"});
  CHECK(answer.outcomes == Outcomes{STANDPIPE_REJECT, STANDPIPE_FILTERED});
  CHECK(payloads(answer.emitted) == Texts{"fits"});
  CHECK(answer.reasons[0] ==
        "the message that it makes is too large: 5 bytes of payload, with 2 pairs of metadata of "
        "11 bytes together. At most max_message_size of its source, 256 pairs, 255 bytes in a name "
        "and 65536 bytes of metadata are allowed");
}

TEST_CASE("a handler of batches sees whether there was room") {
  Host host;
  auto batches = Handler::of<Batches>(host);
  REQUIRE(batches.open().ok());
  const auto all = batches.handle_messages({{.payload = "a", .meta = {{"k", "v"}, {"k", "w"}}}});
  REQUIRE(all.emitted.size() == 1);
  CHECK(all.emitted[0].meta == Pairs{{"k", "v"}, {"k", "w"}});
  host.emit_room = 2;
  const auto some = batches.handle({"a", "b", "c"});
  CHECK((some.ok() && some.settled == 2));
  CHECK(payloads(some.emitted) == Texts{"a", "b"});
  host.emit_room = 1;
  const auto thrown = batches.handle({"a", "throw", "c"});
  CHECK((thrown.ok() && thrown.settled == 1));
  CHECK(payloads(thrown.emitted) == Texts{"a"});
  host.emit_room = 9;
  host.emit_bytes_max = 3;
  const auto large = batches.handle({"long", "b"});
  CHECK(large.outcomes == Outcomes{STANDPIPE_REJECT, STANDPIPE_DELIVERED});
  CHECK_THAT(large.reasons[0], Catch::Matchers::Contains("4 bytes of payload"));
}

TEST_CASE("tick emits messages that are made of none, later if there is no room") {
  Host host;
  auto batches = Handler::of<Batches>(host);
  REQUIRE(batches.open().ok());
  REQUIRE(batches.handle({"a", "b"}).ok());
  host.emitted.clear();
  host.emit_room = 0;
  REQUIRE(batches.advance(0s).ok());
  CHECK(host.emitted.empty());
  host.emit_room = 1;
  REQUIRE(batches.advance(10s).ok());
  REQUIRE(payloads(host.emitted) == Texts{"2"});
  CHECK(host.emitted[0].of == STANDPIPE_OF_NONE);
}

TEST_CASE("who emits needs a router that has it") {
  CHECK(plugin_of<Words>().abi_minor == 1);
  Host host;
  host.has_emit = false;
  auto words = Handler::of<Words>(host);
  REQUIRE(words.open().ok());
  const auto answer = words.handle({"a"});
  CHECK(answer.fatal());
  CHECK(answer.reason == "this router has no standpipe.emit/1");
}

TEST_CASE("metadata is given as pairs, as a vector of them, or as another message has it") {
  const auto bytes = [](const standpipe::Meta& meta) {
    return std::pair(meta.pairs().size(), meta.bytes());
  };
  CHECK(bytes({}) == std::pair<std::size_t, std::size_t>(0, 0));
  CHECK(bytes({{"key", "k"}}) == std::pair<std::size_t, std::size_t>(1, 4));
  CHECK(bytes({{"a", "b"}, {"cd", std::string("efg")}}) ==
        std::pair<std::size_t, std::size_t>(2, 7));
  const std::vector<standpipe::Pair> many(3, {"n", "v"});
  CHECK(bytes(many) == std::pair<std::size_t, std::size_t>(3, 6));
}
