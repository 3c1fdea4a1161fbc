// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/hash.h"
#include "common/rfc3339.h"
#include "common/template.h"

namespace {

using common::Template;
using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;
using Woken = standpipe::Poll::Woken;

// When the hub had no room for a while, what is overdue is brought at once, but never more than
// this much of it: a hub that was stopped for an hour gets no hour's messages.
constexpr auto kOverdueMost = std::chrono::seconds(1);

// Makes messages, the same ones whenever it makes them anew: what is random in a message hangs on
// the seed and its number alone. So a source that died goes on with the very messages that it had
// not brought.
class Generate {
 public:
  static void describe(standpipe::Description& d);
  explicit Generate(const standpipe::Options& options);
  void open(std::string_view resume);
  void poll(standpipe::Poll& poll);

 private:
  bool has_more() const { return count_ == 0 || next_ <= count_; }
  // What came of the last message: not `ok` says that it was not brought.
  standpipe::Put bring(standpipe::Poll& poll);
  bool is_due(const standpipe::Poll& poll, std::uint64_t brought);
  void make_payload();
  void fill_up();

  standpipe::Host host_;
  std::uint64_t count_;  // 0: without end
  nanoseconds pause_;    // from one message to the next
  std::uint64_t size_;
  std::uint64_t seed_;
  Template shape_;
  std::uint64_t next_ = 1;
  Clock::time_point due_;
  bool is_over_ = false;
  std::string payload_;
};

nanoseconds pause_of(double rate) {
  constexpr double kSecond = 1e9;
  return nanoseconds(rate > 0 ? static_cast<std::int64_t>(kSecond / rate) : 0);
}

Generate::Generate(const standpipe::Options& options)
    : host_(options.host()),
      count_(static_cast<std::uint64_t>(options.integer("count"))),
      pause_(pause_of(options.real("rate"))),
      size_(options.bytes("size")),
      seed_(static_cast<std::uint64_t>(options.integer("seed"))),
      shape_(options.text("payload"),
             {"payload", {Template::Part::sequence, Template::Part::time}}) {}

void Generate::open(std::string_view resume) {
  next_ = 1;
  is_over_ = false;
  due_ = Clock::now();
  if (resume.empty()) return;
  const auto* const end = resume.data() + resume.size();
  const auto [last, error] = std::from_chars(resume.data(), end, next_);
  if (error != std::errc() || last != end || next_ == 0)
    throw standpipe::fatal("its place in the hub's state is '" + std::string(resume) +
                           "', which is no number: it was another plugin's");
}

void Generate::poll(standpipe::Poll& poll) {
  const auto first = next_;
  const auto put = bring(poll);
  if (next_ > first) poll.resume(std::to_string(next_));
  if (put == standpipe::Put::too_large)
    throw standpipe::fatal(standpipe::Host::too_large(payload_, {}));
  if (has_more()) return;
  if (!is_over_) host_.info("all " + std::to_string(count_) + " messages are made");
  is_over_ = true;
  (void)poll.wait(Clock::time_point::max());
}

standpipe::Put Generate::bring(standpipe::Poll& poll) {
  auto put = standpipe::Put::ok;
  for (std::uint64_t brought = 0;
       has_more() && poll.has_credit() && is_due(poll, brought) && put == standpipe::Put::ok;) {
    make_payload();
    put = poll.put(payload_);
    if (put != standpipe::Put::ok) continue;
    ++brought;
    ++next_;
    due_ += pause_;
  }
  return put;
}

bool Generate::is_due(const standpipe::Poll& poll, std::uint64_t brought) {
  constexpr std::uint64_t kMessagesALook = 64;  // a clock costs about as much as a message
  if (pause_.count() == 0)
    return brought == 0 || brought % kMessagesALook != 0 || Clock::now() < poll.deadline();
  const auto now = Clock::now();
  due_ = std::max(due_, now - kOverdueMost);
  return due_ <= now || poll.wait(due_) == Woken::due;
}

void Generate::make_payload() {
  payload_.clear();
  for (const auto& piece : shape_.pieces()) {
    if (piece.part == Template::Part::sequence)
      payload_ += std::to_string(next_);
    else if (piece.part == Template::Part::time)
      payload_ += common::rfc3339(host_.now());
    else
      payload_ += piece.text;
  }
  fill_up();
}

void Generate::fill_up() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  auto state = seed_ ^ next_ * 0xd1342543de82ef95u;  // neighbours begin far from each other
  while (payload_.size() < size_) {
    auto bits = common::next_random(state);
    for (int i = 0; i < 12 && payload_.size() < size_; ++i, bits >>= 5)
      payload_ += kLetters[bits & 31];
  }
}

void Generate::describe(standpipe::Description& d) {
  d.name("generate").version("1.0").summary("makes messages, for demos and for tests");
  d.documentation(
      "Makes `count` messages, `rate` of them a second, and then none any more. Each is `payload`\n"
      "with its number and the time filled in, and with random letters behind it where it is\n"
      "shorter than `size`. {sequence} is the message's number, from 1; {time} is when it was\n"
      "made, UTC; {{ and }} are braces.\n"
      "\n"
      "The hub keeps the number of the last message with the messages themselves. So after a\n"
      "stop, or any death, it goes on with the next one: none is missing, and none is there\n"
      "twice. The letters depend on `seed` and the number alone.\n"
      "\n"
      "While the hub has no room, it waits. Afterwards it catches up by one second's messages at\n"
      "most. With rate: 0 it makes them as fast as they are taken.");
  d.option("count")
      .integer()
      .fallback("0")
      .minimum("0")
      .unit("messages")
      .summary("how many in all; 0: without end");
  d.option("rate")
      .real()
      .fallback("1")
      .minimum("0")
      .maximum("1000000000")
      .unit("messages a second")
      .summary("how many a second; 0: as fast as they are taken");
  d.option("payload")
      .text()
      .fallback("message {sequence}")
      .example("'{{\"n\": {sequence}, \"time\": \"{time}\"}}'")
      .summary("what a message says");
  d.option("size").bytes().fallback("0").maximum("1GiB").summary(
      "shorter messages are filled up to so many bytes with random letters");
  d.option("seed").integer().fallback("1").summary("other letters for another number");
}

}  // namespace

STANDPIPE_PLUGIN(Generate)
