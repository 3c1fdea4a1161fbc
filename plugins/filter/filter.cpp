// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fields.h"
#include "common/template.h"
#include "recent.h"
#include "sample.h"

namespace {

using common::Template;
using Part = Template::Part;

// Passes on what is in the sample and is no duplicate, and filters the rest, or the other way
// round.
class Filter {
 public:
  static void describe(standpipe::Description& d);
  explicit Filter(const standpipe::Options& options);
  void open();
  standpipe::Outcome handle(const standpipe::Message& message);

 private:
  bool is_in_sample(const standpipe::Message& message);
  bool is_duplicate(const standpipe::Message& message);
  // nullopt: the message lacks a value.
  std::optional<std::string_view> text_of(const Template& shape);

  standpipe::Host host_;
  std::optional<Sample> sample_;
  std::optional<Template> sample_by_;
  std::optional<Template> dedup_by_;
  Recent recent_;
  bool inverts_;
  common::Fields fields_;
  std::string text_;
};

std::optional<Template> template_of(const standpipe::Options& options, std::string_view option) {
  if (!options.has(option)) return std::nullopt;
  Template shape(options.text(option),
                 {option, {Part::source, Part::payload, Part::json, Part::meta}});
  if (!shape.has_placeholders())
    throw standpipe::fatal(std::string(option) +
                           ": it has no placeholder, so all messages are the same; write "
                           "{json:/POINTER}, {meta:NAME}, {payload} or {source}");
  return shape;
}

Filter::Filter(const standpipe::Options& options)
    : host_(options.host()),
      sample_by_(template_of(options, "sample_by")),
      dedup_by_(template_of(options, "dedup_by")),
      recent_({options.duration("dedup_window"),
               static_cast<std::size_t>(options.integer("dedup_count"))}),
      inverts_(options.boolean("invert")) {
  if (options.has("sample")) sample_.emplace(options.text("sample"));
  if (sample_by_ && !sample_)
    throw standpipe::fatal("sample_by: it says what a sample goes by; give sample, too");
}

void Filter::open() {
  if (!sample_ && !dedup_by_)
    host_.warning(
        "it passes everything on: give it sample or dedup_by; to choose by what messages "
        "say, routes have `match`");
}

standpipe::Outcome Filter::handle(const standpipe::Message& message) {
  fields_.look_at(message);
  const bool fits = is_in_sample(message) && !is_duplicate(message);
  if (fits == inverts_) return standpipe::Outcome::filtered;
  host_.emit(message, message.text());
  return standpipe::Outcome::delivered;
}

bool Filter::is_in_sample(const standpipe::Message& message) {
  if (!sample_) return true;
  if (!sample_by_)
    return sample_->has(std::to_string(message.sequence()) + ' ' + std::string(message.source()));
  const auto text = text_of(*sample_by_);
  return !text || sample_->has(*text);
}

bool Filter::is_duplicate(const standpipe::Message& message) {
  if (!dedup_by_) return false;
  const auto text = text_of(*dedup_by_);
  if (!text) return false;
  const auto source = common::hash({0, 0}, message.source());
  return recent_.is_duplicate(*text, {source, message.sequence(), message.time()});
}

std::optional<std::string_view> Filter::text_of(const Template& shape) {
  if (shape.pieces().size() == 1) return fields_.text(shape.pieces()[0]);  // without a copy
  text_.clear();
  return fields_.append(text_, shape) ? std::optional<std::string_view>(text_) : std::nullopt;
}

void Filter::describe(standpipe::Description& d) {
  d.name("filter").version("1.0").summary("passes on a sample, or what is no duplicate").emits();
  d.never_blocks();
  d.documentation(
      "What fits is passed on (emitted) as it is, with its metadata; the rest is filtered: it is\n"
      "settled and goes nowhere. To choose by what messages say, use the `match` of routes.\n"
      "\n"
      "sample     a share of the messages: 1/100, 2.5%. Which ones hangs on a hash alone, so it\n"
      "           is the same ones at each attempt, after each start and in each hub. By default\n"
      "           of the message's number; with sample_by of a value, so that all messages of a\n"
      "           device are in or out together. One without the value is in.\n"
      "dedup_by   what makes two messages the same: \"{json:/id}\", \"{payload}\". The first one\n"
      "           passes, others within dedup_window after it do not (by the times at which the\n"
      "           hub accepted them). One without the value passes. At most dedup_count values\n"
      "           are remembered, about 100 bytes each; the oldest is forgotten first. A hub that\n"
      "           starts, or whose worker died, has forgotten all of them: a duplicate may pass\n"
      "           then, but nothing is lost.\n"
      "invert     passes on the rest: what is not in the sample, or the duplicates.\n"
      "\n"
      "With both, duplicates are looked for among what is in the sample. Templates:\n"
      "{json:/POINTER} and {meta:NAME}, with a default after |, {payload}, {source}.");
  d.option("sample").text().example("1/100").summary("the share that passes: 1/N or a percentage");
  d.option("sample_by")
      .text()
      .example("\"{json:/device}\"")
      .summary("the value by which a message is in the sample or not");
  d.option("dedup_by")
      .text()
      .example("\"{json:/id}\"")
      .summary("the value that duplicates have in common");
  d.option("dedup_window")
      .duration()
      .fallback("1m")
      .minimum("1ms")
      .summary("for how long after the first message others are duplicates");
  d.option("dedup_count")
      .integer()
      .fallback("100000")
      .minimum("1")
      .maximum("10000000")
      .unit("values")
      .summary("how many values are remembered");
  d.option("invert").boolean().fallback("false").summary("pass on what would not pass");
}

}  // namespace

STANDPIPE_PLUGIN(Filter)
