// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/fields.h"
#include "common/template.h"
#include "window.h"

namespace {

using common::Template;
using Part = Template::Part;
using std::chrono::nanoseconds;

// The hub gives no more to a handler that has taken 256 batches or 8,192 messages. Well before
// that, a part of the window is told, so that messages keep coming.
constexpr std::size_t kBatchesMost = 128;
constexpr std::size_t kMessagesMost = 4096;
constexpr auto kPauseWhenFull = std::chrono::milliseconds(100);

// Counts messages in windows of time. A message is taken, and settled in the very call that emits
// the summary which it is in: after any death, what no summary has is counted again, and what one
// has is not.
class Count {
 public:
  static void describe(standpipe::Description& d);
  explicit Count(const standpipe::Options& options);
  void open();
  void handle(standpipe::Batch& batch);
  std::optional<nanoseconds> tick();
  void flush(nanoseconds left);

 private:
  void add(const standpipe::Message& message);
  bool is_nearly_full() const;
  // Emits what was counted since the last summary. false: there is no room for it now.
  bool tell(bool is_last);
  void settle(standpipe::Outcome outcome, std::string_view why = {});

  standpipe::Host host_;
  nanoseconds every_;
  bool tells_empty_;
  std::optional<Template> by_;
  Window window_;
  nanoseconds end_{0};  // of the window
  std::vector<standpipe::Taken> taken_;
  std::size_t taken_messages_ = 0;
  common::Fields fields_;
  std::string value_;
};

std::optional<Template> by_of(const standpipe::Options& options) {
  if (!options.has("by")) return std::nullopt;
  return Template(options.text("by"),
                  {"by", {Part::source, Part::size, Part::payload, Part::json, Part::meta}});
}

Count::Count(const standpipe::Options& options)
    : host_(options.host()),
      every_(options.duration("every")),
      tells_empty_(options.boolean("empty")),
      by_(by_of(options)),
      window_(by_.has_value(), static_cast<std::size_t>(options.integer("max_values"))) {}

// What was taken before is redelivered.
void Count::open() {
  taken_.clear();
  taken_messages_ = 0;
  window_.begin(host_.now());
  end_ = host_.now() + every_;
}

void Count::handle(standpipe::Batch& batch) {
  // Until there is room for a summary, nothing more is counted.
  if (is_nearly_full() && !tell(false)) return batch.stop_at(0);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    add(batch[i]);
    batch.settle(i, standpipe::Outcome::taken);
  }
  taken_.push_back(batch.taken(0, batch.size()));
  taken_messages_ += batch.size();
}

bool Count::is_nearly_full() const {
  return taken_.size() >= kBatchesMost || taken_messages_ >= kMessagesMost;
}

void Count::add(const standpipe::Message& message) {
  if (!by_) return window_.add(message.size(), std::nullopt);
  fields_.look_at(message);
  value_.clear();
  const bool has_value = fields_.append(value_, *by_);
  window_.add(message.size(), has_value ? std::optional<std::string_view>(value_) : std::nullopt);
}

std::optional<nanoseconds> Count::tick() {
  const auto now = host_.now();
  if (now < end_ && end_ - now <= every_) return end_ - now;  // the clock was not set back
  if (!window_.is_empty() || tells_empty_)
    if (!tell(true)) return kPauseWhenFull;
  window_.begin(now);
  end_ = now + every_;
  return every_;
}

bool Count::tell(bool is_last) {
  const auto text = window_.part_until(host_.now(), is_last);
  const auto put = host_.emit(text);
  if (put == standpipe::Put::full) return false;
  if (put == standpipe::Put::too_large)
    throw standpipe::fatal(standpipe::Host::too_large(text, {}) + "; lower max_values");
  settle(standpipe::Outcome::delivered);
  window_.begin_part();
  return true;
}

void Count::settle(standpipe::Outcome outcome, std::string_view why) {
  for (const auto& taken : taken_) host_.settle(taken, outcome, why);
  taken_.clear();
  taken_messages_ = 0;
}

// Nothing can be emitted here. So the next run counts them, and this one does not wait for a window
// that may end in an hour.
void Count::flush(nanoseconds) {
  settle(standpipe::Outcome::retry, "the hub stops before the window has ended");
  window_.begin(host_.now());
}

void Count::describe(standpipe::Description& d) {
  d.name("count").version("1.0").summary("counts messages, and emits a summary of each window");
  d.emits().settles_later();
  d.documentation(
      "Counts messages and bytes of their payloads for `every`, in total and by a value, and "
      "emits\n"
      "one JSON object then, for the routes that begin with this handler (from: ITS-NAME):\n"
      "\n"
      "  "
      "{\"from\":\"2024-05-01T12:00:00.000Z\",\"to\":\"2024-05-01T12:00:10.000Z\",\"messages\":3,\n"
      "   \"bytes\":210,\"by\":{\"d1\":{\"messages\":2,\"bytes\":140},\"d2\":{...}}}\n"
      "\n"
      "The most frequent values come first. At most max_values of them are counted apart in one\n"
      "summary; messages with another one, with one longer than 256 bytes or with one that is\n"
      "not UTF-8 are together in \"other\", and those without a value in \"missing\". Both are\n"
      "there only when there are such messages.\n"
      "\n"
      "Nothing is lost, and nothing is counted twice: messages stay in the hub's log until the\n"
      "summary that has them is in the log, too, and both happen together. So a window may not\n"
      "hold more than the hub lets a handler take: after 4,096 messages (or 128 batches) the\n"
      "summary comes in parts, which have the same \"from\" and \"part\":1 and so on; the last\n"
      "has \"last\":true. Add them up. What was counted and not told when the hub stops is\n"
      "counted by the next run.\n"
      "\n"
      "Windows begin when the handler opens, one after the other. One without a message has no\n"
      "summary unless empty: true.");
  d.option("every").duration().fallback("10s").minimum("10ms").maximum("30d").summary(
      "how long a window is");
  d.option("by").text().example("\"{json:/device}\"").summary("the value to count by, a template");
  d.option("max_values")
      .integer()
      .fallback("100")
      .minimum("1")
      .maximum("10000")
      .unit("values")
      .summary("how many values are counted apart");
  d.option("empty").boolean().fallback("false").summary("tell of windows without messages, too");
}

}  // namespace

STANDPIPE_PLUGIN(Count)
