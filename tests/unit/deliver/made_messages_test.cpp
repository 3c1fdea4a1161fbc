// SPDX-License-Identifier: Apache-2.0
#include "deliver/made_messages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "log/meta_block.h"

using namespace standpipe;
using namespace standpipe::deliver;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

standpipe_string abi(std::string_view text) { return {text.data(), text.size()}; }

std::vector<standpipe_pair> abi(const Pairs& pairs) {
  std::vector<standpipe_pair> all;
  for (const auto& [name, value] : pairs) all.push_back({abi(name), abi(value)});
  return all;
}

constexpr MakeCredit kCredit{.messages = 100,
                             .bytes = 4096,
                             .bytes_max = 64 * 1024,
                             .message_size_max = 32 * 1024,
                             .next_sequence = 41};

// A batch of messages that have metadata, one list each.
class DescribedBatch {
 public:
  explicit DescribedBatch(const std::vector<Pairs>& meta) : meta_(meta) {
    for (const auto& pairs : meta_) pairs_.push_back(abi(pairs));
    for (const auto& pairs : pairs_) {
      standpipe_message message{};
      message.meta = pairs.data();
      message.meta_count = static_cast<std::uint32_t>(pairs.size());
      messages_.push_back(message);
    }
    batch.size = sizeof batch;
    batch.count = static_cast<std::uint32_t>(messages_.size());
    batch.stride = sizeof(standpipe_message);
    batch.messages = messages_.data();
  }
  standpipe_batch batch{};

 private:
  std::vector<Pairs> meta_;
  std::vector<std::vector<standpipe_pair>> pairs_;
  std::vector<standpipe_message> messages_;
};

class Fixture {
 public:
  explicit Fixture(std::uint64_t message_size_max = kCredit.message_size_max)
      : region(message_size_max), maker(region) {}

  std::uint32_t make(std::string_view payload, std::uint32_t of = STANDPIPE_OF_NONE,
                     const Pairs& meta = {}) {
    const auto pairs = abi(meta);
    const standpipe_out out{sizeof out, static_cast<std::uint32_t>(pairs.size()),
                            reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size(),
                            pairs.data()};
    return maker.take(of, out);
  }
  // "payload" or "payload{name=value}", with what they were made of.
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    const auto messages = region.messages();
    if (!messages) return {"nonsense"};
    for (const auto& m : *messages) {
      std::string text(reinterpret_cast<const char*>(m.payload.data()), m.payload.size());
      log::FieldReader fields(m.fields);
      while (const auto field = fields.next())
        text +=
            "{" + std::string(field->name) + "=" +
            std::string(reinterpret_cast<const char*>(field->value.data()), field->value.size()) +
            "}";
      all.push_back(m.of == STANDPIPE_OF_NONE ? text : std::to_string(m.of) + ":" + text);
    }
    return all;
  }

  MadeRegion region;
  MessageMaker maker;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("What is made in a call is there in order, with what it was made of") {
  Fixture f;
  const DescribedBatch in(std::vector<Pairs>{{}, {}});
  f.maker.begin(kCredit, &in.batch);
  CHECK(f.make("one", 0) == STANDPIPE_PUT_OK);
  CHECK(f.maker.last_sequence() == 41);
  CHECK(f.make("", 1) == STANDPIPE_PUT_OK);
  CHECK(f.make("three", 1, {{"key", "k"}}) == STANDPIPE_PUT_OK);
  CHECK(f.make("nobody's") == STANDPIPE_PUT_OK);
  CHECK(f.maker.last_sequence() == 44);
  f.maker.end();
  CHECK(f.texts() == Texts{"0:one", "1:", "1:three{key=k}", "nobody's"});
  CHECK(f.region.wanted() == 0);
  f.region.clear();
  CHECK(f.texts().empty());
}

TEST_CASE("Nothing is made outside of a call, nor in another thread, nor of what is not there") {
  Fixture f;
  const DescribedBatch in(std::vector<Pairs>{{}});
  CHECK(f.make("early") == STANDPIPE_PUT_FULL);
  CHECK_FALSE(f.maker.resume("early"));
  f.maker.begin(kCredit, &in.batch);
  std::uint32_t elsewhere = 0;
  std::thread([&] { elsewhere = f.make("elsewhere"); }).join();
  CHECK(elsewhere == STANDPIPE_PUT_FULL);
  CHECK(f.make("of none such", 1) == STANDPIPE_PUT_TOO_LARGE);
  f.maker.end();
  CHECK(f.make("late") == STANDPIPE_PUT_FULL);
  CHECK(f.texts().empty());
}

TEST_CASE("What is made inherits metadata, and its own replaces that of the same name") {
  Fixture f;
  const DescribedBatch in(std::vector<Pairs>{{{"key", "old"}, {"topic", "t"}}, {{"other", "o"}}});
  f.maker.begin(kCredit, &in.batch);
  CHECK(f.make("a", 0, {{"key", "new"}, {"more", "m"}}) == STANDPIPE_PUT_OK);
  CHECK(f.make("b", 1) == STANDPIPE_PUT_OK);
  CHECK(f.make("c", STANDPIPE_OF_NONE) == STANDPIPE_PUT_OK);
  CHECK(f.texts() == Texts{"0:a{topic=t}{key=new}{more=m}", "1:b{other=o}", "c"});
}

TEST_CASE(
    "Metadata has bounds: its own is refused beyond them, and what is inherited is left out") {
  Fixture f(kCredit.message_size_max);
  const std::string half(log::kMetaBytesMax / 2, 'v');
  const DescribedBatch in(std::vector<Pairs>{{{"big", half}, {"small", "s"}}});
  auto credit = kCredit;
  credit.bytes = credit.bytes_max = 256 * 1024;
  f.maker.begin(credit, &in.batch);
  CHECK(f.make("a", 0, {{"own", half}}) == STANDPIPE_PUT_OK);
  const auto messages = f.region.messages();
  REQUIRE(messages);
  CHECK(log::are_fields((*messages)[0].fields));
  CHECK((*messages)[0].fields.size() < half.size() + 100);
  CHECK(f.make("b", 0, {{"", "no name"}}) == STANDPIPE_PUT_TOO_LARGE);
  CHECK(f.make("b", 0, {{std::string(log::kMetaNameBytesMax + 1, 'n'), ""}}) ==
        STANDPIPE_PUT_TOO_LARGE);
  CHECK(f.make("b", 0, {{"own", half}, {"two", half + "."}}) == STANDPIPE_PUT_TOO_LARGE);
  CHECK(f.make("b", 0, Pairs(log::kMetaPairsMax + 1, {"n", "v"})) == STANDPIPE_PUT_TOO_LARGE);
  CHECK(f.region.count() == 1);
}

TEST_CASE("A credit bounds messages and bytes, and says what was wanted") {
  Fixture f;
  auto credit = kCredit;
  credit.messages = 2;
  f.maker.begin(credit);
  CHECK(f.make("1") == STANDPIPE_PUT_OK);
  CHECK(f.make("2") == STANDPIPE_PUT_OK);
  CHECK(f.make("3") == STANDPIPE_PUT_FULL);
  CHECK(f.region.wanted() > 0);

  f.region.clear();
  f.maker.begin(kCredit);
  const std::string large(5000, 'x');  // more than there is now, and less than there could be
  CHECK(f.make(large) == STANDPIPE_PUT_FULL);
  CHECK(f.region.wanted() >= large.size());
  CHECK(f.make("a small one still fits") == STANDPIPE_PUT_OK);
  CHECK(f.make(std::string(kCredit.message_size_max + 1, 'x')) == STANDPIPE_PUT_TOO_LARGE);
}

TEST_CASE("What one message makes finds room in one call, or is refused for good") {
  Fixture f;
  const DescribedBatch in(std::vector<Pairs>{{}, {}});
  auto credit = kCredit;
  credit.bytes = credit.bytes_max = 4096;
  f.maker.begin(credit, &in.batch);
  const std::string kilo(1000, 'x');
  for (int i = 0; i < 4; ++i) CHECK(f.make(kilo, 0) == STANDPIPE_PUT_OK);
  CHECK(f.make(kilo, 0) == STANDPIPE_PUT_TOO_LARGE);
  CHECK(f.make(kilo, 1) == STANDPIPE_PUT_FULL);  // the next call may have room for it

  f.region.clear();
  credit.messages = MessageMaker::kMessagesMax;
  credit.bytes = credit.bytes_max = 1 << 20;
  Fixture many(1 << 20);
  many.maker.begin(credit, &in.batch);
  for (std::uint32_t i = 0; i < MessageMaker::kMessagesMax; ++i)
    REQUIRE(many.make("x", 0) == STANDPIPE_PUT_OK);
  CHECK(many.make("x", 0) == STANDPIPE_PUT_TOO_LARGE);
}

TEST_CASE("A message of the largest size fits") {
  constexpr std::uint64_t kMost = 3 * MiB;
  Fixture f(kMost);
  auto credit = kCredit;
  credit.message_size_max = kMost;
  credit.bytes = credit.bytes_max = kMost + log::kFieldsBytesMax + 4096;
  f.maker.begin(credit);
  const std::string payload(kMost, 'p');
  CHECK(f.make(payload, STANDPIPE_OF_NONE, {{"k", std::string(60'000, 'v')}}) == STANDPIPE_PUT_OK);
  const auto messages = f.region.messages();
  REQUIRE(messages);
  CHECK(std::memcmp((*messages)[0].payload.data(), payload.data(), kMost) == 0);
  f.region.clear();  // and its memory goes back
  CHECK(f.region.count() == 0);
}

TEST_CASE("A source says where it goes on, and the last word of a call counts") {
  Fixture f;
  f.maker.begin(kCredit);
  CHECK_FALSE(f.region.resume());
  CHECK(f.maker.resume("at 5"));
  CHECK(f.maker.resume(std::string("at\0 6", 5)));
  CHECK_FALSE(f.maker.resume(std::string(STANDPIPE_RESUME_BYTES_MAX + 1, 'x')));
  CHECK(f.region.resume() == std::string("at\0 6", 5));
  f.region.clear();
  CHECK_FALSE(f.region.resume());
}

TEST_CASE("A region is shared by its file, and what lies in it is checked") {
  Fixture f;
  MadeRegion theirs(Fd(::dup(f.region.fd())));
  MessageMaker maker(theirs);
  maker.begin(kCredit);
  const standpipe_out out{sizeof out, 0, reinterpret_cast<const std::uint8_t*>("abc"), 3, nullptr};
  REQUIRE(maker.take(STANDPIPE_OF_NONE, out) == STANDPIPE_PUT_OK);
  CHECK(f.texts() == Texts{"abc"});
  std::vector<std::byte> copy;
  CHECK(f.region.messages(&copy)->size() == 1);

  // Any word of its beginning, and of the first record, may be anything.
  const auto bytes = static_cast<std::size_t>(::lseek(f.region.fd(), 0, SEEK_END));
  auto* at = static_cast<std::byte*>(
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f.region.fd(), 0));
  REQUIRE(at != MAP_FAILED);
  const std::uint64_t values[] = {0, 1, 7, 1024, 1025, 1u << 20, ~std::uint64_t{0}};
  for (std::size_t word = 0; word < 20'000; word += 8)
    for (const auto value : values) {
      std::uint64_t was = 0;
      std::memcpy(&was, at + word, sizeof was);
      std::memcpy(at + word, &value, sizeof value);
      (void)f.texts();
      if (const auto found = f.region.messages(&copy)) CHECK(found->size() <= 1024);
      (void)f.region.resume();
      std::memcpy(at + word, &was, sizeof was);
    }
  CHECK(f.texts() == Texts{"abc"});
  ::munmap(at, bytes);
}
