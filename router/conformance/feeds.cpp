// SPDX-License-Identifier: Apache-2.0
#include "conformance/feeds.h"

#include "conformance/child.h"

namespace standpipe::conformance {

std::vector<testing::Message> ordinary_batch() {
  return {{.payload = "order 66", .meta = {{"key", "a"}}},
          {.payload = R"({"type":"order","amount":12.5})"},
          {.payload = "plain text\n"}};
}

std::vector<testing::Message> odd_batch() {
  using namespace std::string_literals;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  return {{.payload = "\0"s},
          {.payload = "before\0after"s},
          {.payload = all, .meta = {{"key", all}, {"key", ""}}},
          {.payload = "\xff\xfe\xc3\x28\xe2\x82"},
          {.payload = "\x1b[2J\x1b]0;title\x07"},
          {.payload = "%s%n%x"},
          {.payload = std::string(300, '{')}};
}

std::vector<testing::Message> random_batch(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t most) { return random() % most; };
  std::vector<testing::Message> messages(1 + below(20));
  for (auto& m : messages) {
    m.payload.resize(below(8) == 0 ? below(70'000) : below(200));
    for (auto& byte : m.payload) byte = static_cast<char>(random());
    for (auto pairs = below(4); pairs > 0; --pairs)
      m.meta.emplace_back("m" + std::to_string(below(3)), m.payload.substr(0, below(20)));
    m.time = random() >> 1;
  }
  return messages;
}

testing::Answer feed(Instance& instance, std::vector<testing::Message> messages,
                     testing::Feed how) {
  return instance.handler().handle_messages(std::move(messages), std::move(how));
}

void check_answer(const testing::Answer& answer) {
  if (answer.answer > STANDPIPE_FATAL)
    throw Problem{"handle answered " + std::to_string(answer.answer) + ", which no host knows"};
}

}  // namespace standpipe::conformance
