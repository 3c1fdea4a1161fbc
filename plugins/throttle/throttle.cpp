// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"
#include "pace.h"

namespace {

using common::Template;
using Part = Template::Part;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

enum class WhenOver { wait, drop, reject };

constexpr std::size_t kWaitingBytesMax = 16 << 20;  // of copies; one larger message may wait alone
constexpr std::size_t kKeyBytesMax = 256;
constexpr auto kTickLeast = milliseconds(1);
constexpr auto kTickIdle = milliseconds(50);  // how late the first one that waits may be
constexpr auto kTickMost = std::chrono::seconds(1);
constexpr auto kPauseWhenFull = milliseconds(50);

WhenOver when_over_of(const std::string& name) {
  if (name == "drop") return WhenOver::drop;
  return name == "reject" ? WhenOver::reject : WhenOver::wait;
}

// Passes on (emits) so many messages a second.
//
// What must wait is taken and copied, and tick emits it when it is due. A handler that slept in
// handle would hold its thread and a stop; one that handed the rest back (`at`) would be called
// again when the hub likes, and not when a message is due. This way nothing blocks, the order of a
// key is kept, the copy is bounded, and where the process dies, what waited is redelivered, because
// it is settled only in the call that emits it.
class Throttle {
 public:
  static void describe(standpipe::Description& d);
  explicit Throttle(const standpipe::Options& options);
  void open();
  void handle(standpipe::Batch& batch);
  std::optional<nanoseconds> tick();
  void flush(nanoseconds left);

 private:
  struct Waiting {
    standpipe::Taken taken;
    std::string payload;
    std::vector<std::pair<std::string, std::string>> meta;
  };
  enum class Step { done, no_room };

  Step pass(standpipe::Batch& batch, std::size_t i);
  Step emit(standpipe::Batch& batch, std::size_t i);
  Step wait(standpipe::Batch& batch, std::size_t i, nanoseconds due);
  bool emit_waiting(nanoseconds now);
  bool emit_one(const Waiting& waiting);
  std::string_view key_of(const standpipe::Message& message);

  standpipe::Host host_;
  Pace::Limits limits_;
  Pace pace_;
  std::optional<Template> per_;
  WhenOver when_over_;
  std::string over_;                             // the reason
  std::multimap<nanoseconds, Waiting> waiting_;  // by when they are due, in the order they came
  std::size_t waiting_bytes_ = 0;
  common::Fields fields_;
  std::string key_;
};

std::optional<Template> per_of(const standpipe::Options& options) {
  if (!options.has("per")) return std::nullopt;
  return Template(options.text("per"),
                  {"per", {Part::source, Part::payload, Part::json, Part::meta}});
}

std::string number_text(double value) {
  auto text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Throttle::Throttle(const standpipe::Options& options)
    : host_(options.host()),
      limits_{options.real("rate"), static_cast<std::uint32_t>(options.integer("burst")),
              static_cast<std::size_t>(options.integer("max_keys"))},
      pace_(limits_),
      per_(per_of(options)),
      when_over_(when_over_of(options.text("when_over"))),
      over_("more than " + number_text(options.real("rate")) + " messages a second" +
            (per_ ? " for its " + options.text("per") : "")) {}

// What waited before is redelivered, and has not passed.
void Throttle::open() {
  pace_ = Pace(limits_);
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Throttle::handle(standpipe::Batch& batch) {
  std::size_t i = 0;
  if (emit_waiting(pace_.at(host_.now())))  // what is due came before these
    while (i < batch.size() && pass(batch, i) == Step::done) ++i;
  batch.stop_at(i);
}

Throttle::Step Throttle::pass(standpipe::Batch& batch, std::size_t i) {
  const auto now = pace_.at(host_.now());
  const auto key = key_of(batch[i]);
  const auto due = pace_.due(key, now);
  const bool is_over = due > now;
  if (is_over && when_over_ == WhenOver::drop) {
    batch.settle(i, standpipe::Outcome::filtered);
    return Step::done;
  }
  if (is_over && when_over_ == WhenOver::reject) {
    batch.settle(i, standpipe::Outcome::reject);
    batch.reason(i, over_);
    return Step::done;
  }
  const auto step = is_over ? wait(batch, i, due) : emit(batch, i);
  if (step == Step::done) pace_.count(key, now);
  return step;
}

Throttle::Step Throttle::emit(standpipe::Batch& batch, std::size_t i) {
  const auto put = host_.emit(batch, i, batch[i].text());
  if (put == standpipe::Put::full) return Step::no_room;
  if (put == standpipe::Put::too_large) {
    batch.settle(i, standpipe::Outcome::reject);
    batch.reason(i, standpipe::Host::too_large(batch[i].text(), batch[i].metadata()));
  }
  return Step::done;
}

Throttle::Step Throttle::wait(standpipe::Batch& batch, std::size_t i, nanoseconds due) {
  const auto message = batch[i];
  if (!waiting_.empty() && waiting_bytes_ + message.size() > kWaitingBytesMax) return Step::no_room;
  Waiting waiting{message.taken(), std::string(message.text()), {}};
  for (const auto& pair : message.metadata())
    waiting.meta.emplace_back(standpipe::detail::view(pair.name),
                              standpipe::detail::view(pair.value));
  waiting_bytes_ += message.size();
  waiting_.emplace(due, std::move(waiting));
  batch.settle(i, standpipe::Outcome::taken);
  return Step::done;
}

std::optional<nanoseconds> Throttle::tick() {
  const auto now = pace_.at(host_.now());
  const auto before = waiting_.size();
  if (!emit_waiting(now))  // one call has room for about 1,000 messages
    return waiting_.size() < before ? nanoseconds(kTickLeast) : nanoseconds(kPauseWhenFull);
  if (waiting_.empty()) return std::clamp<nanoseconds>(pace_.interval(), kTickIdle, kTickMost);
  return std::clamp<nanoseconds>(waiting_.begin()->first - now, kTickLeast, kTickMost);
}

// false: there is no room for all that is due.
bool Throttle::emit_waiting(nanoseconds now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const auto first = waiting_.begin();
    if (!emit_one(first->second)) return false;
    waiting_bytes_ -= first->second.payload.size();
    waiting_.erase(first);
  }
  return true;
}

bool Throttle::emit_one(const Waiting& waiting) {
  std::vector<standpipe::Pair> meta;
  for (const auto& [name, value] : waiting.meta) meta.emplace_back(name, value);
  const auto put = host_.emit(waiting.payload, meta);
  if (put == standpipe::Put::full) return false;
  if (put == standpipe::Put::ok)
    host_.settle(waiting.taken, standpipe::Outcome::delivered);
  else
    host_.settle(waiting.taken, standpipe::Outcome::reject,
                 standpipe::Host::too_large(waiting.payload, meta));
  return true;
}

// Nothing can be emitted here. So what waits comes again in the next run, and this one's stop does
// not wait for it.
void Throttle::flush(nanoseconds) {
  for (const auto& [due, waiting] : waiting_)
    host_.settle(waiting.taken, standpipe::Outcome::retry, "the hub stops before it was due");
  waiting_.clear();
  waiting_bytes_ = 0;
}

// Those that lack the value, and those with one that is too long, share a key.
std::string_view Throttle::key_of(const standpipe::Message& message) {
  key_.clear();
  if (!per_) return key_;
  fields_.look_at(message);
  if (!fields_.append(key_, *per_) || key_.size() > kKeyBytesMax) key_.clear();
  return key_;
}

void Throttle::describe(standpipe::Description& d) {
  d.name("throttle").version("1.0").summary("passes on so many messages a second");
  d.emits().settles_later();
  d.documentation(
      "Passes messages on (emits them) as they are, with their metadata, at most `burst` at once\n"
      "and `rate` a second over time; with `per`, for each value apart.\n"
      "\n"
      "when_over says what becomes of more than that:\n"
      "wait     it passes later, in its order. A message that waits is in flight and stays in the\n"
      "         hub's log: nothing is lost by any death or stop. At most 8,192 messages and 16 "
      "MiB\n"
      "         wait at a time, whatever their value; then the handler takes none, and its source\n"
      "         waits (or drops, as its configuration says). So one busy value can hold up all\n"
      "         others: where that matters, use drop or reject.\n"
      "drop     it is filtered: settled, and goes nowhere.\n"
      "reject   it goes to the dead letters, from where it can be replayed.\n"
      "\n"
      "At most max_keys values are told apart at a time; messages with another one then have one\n"
      "rate together. Messages without the value, or with one longer than 256 bytes, do always.\n"
      "A handler that opens anew has forgotten what has passed. A wait may end 50 ms late, but\n"
      "never early. The clock's jumps let nothing pass but two seconds' messages.");
  d.option("rate")
      .real()
      .fallback("100")
      .minimum("0.001")
      .maximum("1000000000")
      .unit("messages a second")
      .summary("how many pass a second");
  d.option("burst")
      .integer()
      .fallback("1")
      .minimum("1")
      .maximum("1000000")
      .unit("messages")
      .summary("how many may pass at once after a pause");
  d.option("per")
      .text()
      .example("\"{json:/device}\"")
      .summary("the value that each has a rate of its own, a template");
  d.option("max_keys")
      .integer()
      .fallback("10000")
      .minimum("1")
      .maximum("1000000")
      .unit("values")
      .summary("how many values are told apart at a time");
  d.option("when_over")
      .one_of({"wait", "drop", "reject"})
      .fallback("wait")
      .summary("what becomes of a message above the rate");
}

}  // namespace

STANDPIPE_PLUGIN(Throttle)
