// SPDX-License-Identifier: Apache-2.0
#include "plugin/handler.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "places.h"
#include "plugin/registry.h"

using namespace standpipe;
using namespace standpipe::plugin;

namespace {

class Services final : public HostServices {
 public:
  void log(std::uint32_t, std::string_view text) override { logged.emplace_back(text); }
  std::uint64_t now() override { return 0; }
  bool stopping() override { return false; }
  std::uint32_t add_fifo(const FifoOutputRequest& request, std::string&) override {
    asked_for = request.path;
    return 1;
  }
  std::string asked_for;
  std::vector<std::string> logged;
};

// Nobody is in a call that may make messages, unless the test says so.
class Taker final : public MessageTaker {
 public:
  bool is_in_call() const override { return in_call; }
  std::uint32_t take(std::uint32_t, const standpipe_out&) override {
    ++taken;
    return STANDPIPE_PUT_OK;
  }
  std::uint64_t last_sequence() const override { return taken; }
  bool resume(std::string_view) override { return in_call; }
  bool in_call = false;
  std::uint64_t taken = 0;
};

const Plugin& fixture(const std::string& name) {
  static Registry registry({places::fixtures()});
  Refused why;
  const auto* plugin = registry.find(name, why);
  INFO(why.reason);
  REQUIRE(plugin);
  return *plugin;
}

// Messages in rows of any width: what lies after the fields that a width has is garbage.
class Rows {
 public:
  Rows(std::vector<std::string> payloads, std::uint32_t stride)
      : payloads_(std::move(payloads)), stride_(stride), bytes_(payloads_.size() * stride, 0x5a) {
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      standpipe_message m{};
      m.data = reinterpret_cast<const std::uint8_t*>(payloads_[i].data());
      m.size = payloads_[i].size();
      m.sequence = i + 1;
      std::memcpy(&bytes_[i * stride], &m, std::min<std::size_t>(stride, sizeof m));
    }
  }
  void describe(std::size_t i, const standpipe_pair& pair) {
    auto& m = *reinterpret_cast<standpipe_message*>(&bytes_[i * stride_]);
    m.meta = &pair;
    m.meta_count = 1;
  }
  standpipe_batch batch() const {
    standpipe_batch b{};
    b.size = sizeof b;
    b.count = static_cast<std::uint32_t>(payloads_.size());
    b.stride = stride_;
    b.attempt = 1;
    b.messages = reinterpret_cast<const standpipe_message*>(bytes_.data());
    return b;
  }

 private:
  std::vector<std::string> payloads_;
  std::uint32_t stride_;
  std::vector<std::uint8_t> bytes_;
};

constexpr std::uint32_t kNarrow = offsetof(standpipe_message, meta);  // of minor 0
constexpr std::uint32_t kWide = sizeof(standpipe_message);
constexpr std::uint32_t kLater = sizeof(standpipe_message) + 24;  // of a minor to come

// An instance that was made and opened.
class Instance {
 public:
  explicit Instance(const Plugin& plugin) : handler(plugin, "it", services) {
    REQUIRE(handler.create({}).ok());
    REQUIRE(handler.open().ok());
  }
  Answer handle(const Rows& rows) {
    const auto batch = rows.batch();
    outcomes.assign(batch.count, 0x5a);
    result.outcomes = outcomes.data();
    Handler::prepare(result, batch.count);
    return handler.handle(batch, result);
  }
  Services services;
  Handler handler;
  standpipe_result result{};
  std::vector<std::uint8_t> outcomes;
};

// A plugin in this test whose answers are the given outcomes.
class Answering {
 public:
  explicit Answering(std::vector<std::uint8_t> outcomes, std::uint32_t code = STANDPIPE_OK) {
    told() = std::move(outcomes);
    told_code() = code;
    handler_.size = sizeof handler_;
    handler_.placement = STANDPIPE_INLINE;
    handler_.create = create;
    handler_.handle = handle;
    handler_.destroy = [](void*) {};
    abi_.size = sizeof abi_;
    abi_.handler = &handler_;
    plugin.abi = &abi_;
  }
  Plugin plugin;
  static const standpipe_host*& host() {
    static const standpipe_host* it = nullptr;
    return it;
  }

 private:
  static std::vector<std::uint8_t>& told() {
    static std::vector<std::uint8_t> it;
    return it;
  }
  static std::uint32_t& told_code() {
    static std::uint32_t it = STANDPIPE_OK;
    return it;
  }
  static std::uint32_t create(const standpipe_host* h, const standpipe_config*, void** self,
                              standpipe_reason*) {
    host() = h;
    *self = self;
    return STANDPIPE_OK;
  }
  static std::uint32_t handle(void*, const standpipe_batch*, standpipe_result* result) {
    std::copy(told().begin(), told().end(), result->outcomes);
    std::memcpy(result->reason->text, "its own", 7);
    result->reason->length = 7;
    return told_code();
  }
  standpipe_handler handler_{};
  standpipe_plugin abi_{};
};

using Outcomes = std::vector<std::uint8_t>;

const void* extension(const char* id) {
  const auto* host = Answering::host();
  return host->extension(host->self, {id, std::strlen(id)});
}

}  // namespace

TEST_CASE("a plugin built against minor 0 works, however wide the rows of a batch are") {
  for (const auto stride : {kNarrow, kWide, kLater}) {
    Instance it(fixture("minor_0"));
    CHECK(it.services.asked_for == "/fifo");
    const auto answer = it.handle(Rows({"", "!no", "yes", ""}, stride));
    CHECK(answer.ok());
    CHECK(it.outcomes ==
          Outcomes{STANDPIPE_FILTERED, STANDPIPE_REJECT, STANDPIPE_SEND, STANDPIPE_FILTERED});
    CHECK(it.result.output == 1);
  }
}

TEST_CASE("a plugin sees metadata where the rows have room for it, and nothing behind their end") {
  const standpipe_pair pair{{"key", 3}, {"value", 5}};
  Instance it(fixture("looks_ahead"));
  CHECK(it.handle(Rows({"a", "b"}, kNarrow)).ok());
  CHECK(it.outcomes == Outcomes{STANDPIPE_DELIVERED, STANDPIPE_DELIVERED});
  for (const auto stride : {kWide, kLater}) {
    Rows rows({"a", "b"}, stride);
    rows.describe(1, pair);
    CHECK(it.handle(rows).ok());
    CHECK(it.outcomes == Outcomes{STANDPIPE_DELIVERED, STANDPIPE_REJECT});
  }
  CHECK(it.result.note_count == 0);  // whoever prepares it without room for notes
}

TEST_CASE("the host says which version it has, and which powers are not there yet") {
  Answering answering({});
  Instance it(answering.plugin);
  CHECK(Answering::host()->size == sizeof(standpipe_host));
  CHECK(Answering::host()->abi_major == 1);
  CHECK(Answering::host()->abi_minor == 1);
  CHECK(extension(STANDPIPE_OUTPUT_EXTENSION));
  CHECK(extension(STANDPIPE_SETTLE_EXTENSION));
  CHECK(extension(STANDPIPE_EMIT_EXTENSION));
  for (const auto* id : {STANDPIPE_ACCEPT_EXTENSION, "standpipe.output/2", ""})
    CHECK_FALSE(extension(id));  // a source's, or one of a later version
}

TEST_CASE("what is emitted outside of a call for it is refused, and that is logged once") {
  Answering answering({});
  Services services;
  Taker taker;
  Handler handler(answering.plugin, "it", services, &taker);
  REQUIRE(handler.create({}).ok());
  const auto* power = static_cast<const standpipe_emit*>(extension(STANDPIPE_EMIT_EXTENSION));
  const standpipe_out nothing{sizeof nothing, 0, nullptr, 0, nullptr};
  const auto emit = [&] {
    return power->emit(Answering::host()->self, STANDPIPE_OF_NONE, &nothing);
  };
  taker.in_call = true;
  CHECK(emit() == STANDPIPE_PUT_OK);
  CHECK(services.logged.empty());
  taker.in_call = false;
  CHECK(emit() == STANDPIPE_PUT_FULL);
  CHECK(emit() == STANDPIPE_PUT_FULL);
  CHECK(taker.taken == 1);
  REQUIRE(services.logged.size() == 1);
  CHECK(
      services.logged[0].starts_with("it emits a message outside of handle and tick, or in "
                                     "another thread than theirs, and is answered FULL: "));
}

TEST_CASE("a source that says where to go on outside of poll is refused, and that is logged once") {
  static const standpipe_host* host = nullptr;
  standpipe_source source{};
  source.size = sizeof source;
  source.create = [](const standpipe_host* given, const standpipe_config*, void** self,
                     standpipe_reason*) -> std::uint32_t {
    host = given;
    *self = self;
    return STANDPIPE_OK;
  };
  source.destroy = [](void*) {};
  standpipe_plugin abi{};
  abi.size = sizeof abi;
  abi.source = &source;
  Plugin plugin;
  plugin.abi = &abi;
  Services services;
  Taker taker;
  Handler handler(plugin, "it", services, &taker, Kind::source);
  REQUIRE(handler.create({}).ok());
  constexpr std::string_view kId = STANDPIPE_ACCEPT_EXTENSION;
  const auto* power =
      static_cast<const standpipe_accept*>(host->extension(host->self, {kId.data(), kId.size()}));
  for (int i = 0; i < 3; ++i) power->resume(host->self, {"7", 1});
  REQUIRE(services.logged.size() == 1);
  CHECK(services.logged[0].starts_with("it said where to go on outside of poll"));
  const standpipe_out nothing{sizeof nothing, 0, nullptr, 0, nullptr};
  CHECK(power->put(host->self, &nothing, nullptr) == STANDPIPE_PUT_FULL);
  REQUIRE(services.logged.size() == 2);
  CHECK(services.logged[1].starts_with("it puts a message outside of poll"));
}

TEST_CASE("an outcome that this hub cannot do is a retry, and the reason says which it was") {
  const auto reason_of = [](Outcomes told, Outcomes expected) {
    Answering answering(told);
    Instance it(answering.plugin);
    const auto answer = it.handle(Rows(std::vector<std::string>(told.size(), "x"), kNarrow));
    CHECK(answer.ok());
    CHECK(it.outcomes == expected);
    return answer.reason;
  };
  const std::uint8_t delivered = STANDPIPE_DELIVERED, retry = STANDPIPE_RETRY,
                     reject = STANDPIPE_REJECT, taken = STANDPIPE_TAKEN, send = STANDPIPE_SEND;
  CHECK(reason_of({taken, delivered}, {retry, delivered}) ==
        "its plugin took it to settle it later, which is of minor version 1 of the plugin "
        "interface, and the plugin says that it needs no more than 0");
  CHECK(reason_of({77}, {retry}) ==
        "its plugin answered with outcome 77, which this router does not know");
  CHECK(reason_of({send}, {retry}) == "its plugin sends it to no output");
  CHECK(reason_of({retry}, {retry}) == "its own");
  CHECK(reason_of({taken, reject}, {retry, reject}) == "its own");  // the last one's
  CHECK(reason_of({delivered, taken}, {delivered, retry}).find("took it") != std::string::npos);
  CHECK(reason_of({delivered}, {delivered}).empty());
}

TEST_CASE("an answer that no hub knows holds the handler, and says what it was") {
  Answering answering({}, 99);
  Instance it(answering.plugin);
  const auto answer = it.handle(Rows({"x"}, kNarrow));
  CHECK(answer.code == STANDPIPE_FATAL);
  CHECK(answer.reason ==
        "its plugin answered a call with 99, which this router does not know: its own");
}
