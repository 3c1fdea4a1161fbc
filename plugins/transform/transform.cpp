// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "changes.h"
#include "common/fields.h"
#include "common/json_text.h"
#include "common/template.h"

namespace {

using common::Template;
using Part = Template::Part;

Template text_template(std::string_view option, std::string_view text) {
  return Template(text, {option,
                         {Part::source, Part::sequence, Part::time, Part::size, Part::payload,
                          Part::json, Part::meta}});
}

// Makes a new message of each, and emits it. It keeps nothing from one message to the next, so it
// may be given one twice.
class Transform {
 public:
  static void describe(standpipe::Description& d);
  explicit Transform(const standpipe::Options& options);
  void open();
  void handle(const standpipe::Message& message);

 private:
  struct AddedMeta {
    std::string name;
    Template value;
  };
  std::string_view payload_of(const standpipe::Message& message);
  void add_meta();

  standpipe::Host host_;
  std::optional<Template> template_;
  transform::Changes changes_;
  std::vector<AddedMeta> added_;
  bool passes_other_;  // what is no JSON, unchanged
  common::Fields fields_;
  common::JsonText json_;
  std::string payload_;
  std::vector<std::string> values_;  // of the metadata that this message is given
  std::vector<standpipe::Pair> meta_;
};

Transform::Transform(const standpipe::Options& options)
    : host_(options.host()), changes_(options), passes_other_(options.text("not_json") == "pass") {
  if (options.has("template")) template_ = text_template("template", options.text("template"));
  if (template_ && !changes_.empty())
    throw standpipe::fatal(
        "template: it makes the whole payload, so there is nothing for pick, remove, rename and "
        "set; use one or the other");
  for (const auto& [name, value] : options.map("add_meta")) {
    if (name.empty() || name.size() > STANDPIPE_META_NAME_MAX)
      throw standpipe::fatal("add_meta: a name has 1 to 255 bytes");
    added_.push_back({name, text_template("add_meta", value)});
  }
  values_.resize(added_.size());
}

void Transform::open() {
  if (!template_ && changes_.empty() && added_.empty())
    host_.warning(
        "it changes nothing: give it pick, remove, rename, set, template or add_meta, or route "
        "past it");
}

void Transform::handle(const standpipe::Message& message) {
  fields_.look_at(message);
  const auto payload = payload_of(message);
  add_meta();
  host_.emit(message, payload, meta_);
}

std::string_view Transform::payload_of(const standpipe::Message& message) {
  payload_.clear();
  if (template_) {
    (void)fields_.append(payload_, *template_);
    return payload_;
  }
  if (changes_.empty()) return message.text();
  if (!json_.parse(message.text())) {
    if (passes_other_) return message.text();
    throw standpipe::reject(message.size() > common::JsonText::kBytesMax
                                ? "its payload is larger than 1 MiB, so it is not taken for JSON"
                                : "its payload is no JSON");
  }
  payload_ = changes_.apply(message.text(), fields_);
  return payload_;
}

void Transform::add_meta() {
  meta_.clear();
  for (std::size_t i = 0; i < added_.size(); ++i) {
    values_[i].clear();
    if (fields_.append(values_[i], added_[i].value)) meta_.emplace_back(added_[i].name, values_[i]);
  }
}

void Transform::describe(standpipe::Description& d) {
  d.name("transform").version("1.0").summary("makes a new message of each, and emits it").emits();
  d.documentation(
      "Fields of a JSON payload are changed in this order, each step on what the ones before it\n"
      "left; all else keeps its bytes, numbers their digits:\n"
      "\n"
      "pick     only what these JSON pointers lead to stays, in its place in the document\n"
      "remove   what these pointers lead to goes\n"
      "rename   a pointer and the field's new name, which stays in its object\n"
      "set      a pointer and what is to be there. Objects on the way are made; /list/- is\n"
      "         behind the last item. The value is a template. One that is {json:/POINTER} alone\n"
      "         copies what is there, so a number stays a number. One without a placeholder that\n"
      "         is JSON (5, true, 'null', '\"5\"', '[1, 2]') is taken as that. Any other is a\n"
      "         text. Where a message lacks what a template asks for, nothing is set.\n"
      "\n"
      "Or template makes the whole payload, a text; what a message lacks is nothing.\n"
      "add_meta adds metadata to what was there, in the place of what had that name; where a\n"
      "message lacks what the template asks for, none. Templates look at the message as it came.\n"
      "Their placeholders: {source}, {sequence}, {time}, {size}, {payload}, {json:/POINTER},\n"
      "{meta:NAME}, the latter two with a default after |.\n"
      "\n"
      "Where fields are to be changed, a payload that is no JSON, or larger than 1 MiB, is\n"
      "rejected (and thus dead-lettered, with the reason), or passed on as it is with not_json:\n"
      "pass. So is one that is a bare number or text, and one that has no place for what is set.\n"
      "\n"
      "A message is settled together with what was made of it: through any death there is one\n"
      "for one.");
  d.option("pick").list().example("[/device, /reading/value]").summary("what stays of a payload");
  d.option("remove").list().example("[/password]").summary("what goes from a payload");
  d.option("rename")
      .map()
      .example("{ /temp: temperature }")
      .summary("fields, and how they are called then");
  d.option("set")
      .map()
      .example("{ /site: berlin, /seen: \"{time}\" }")
      .summary("fields, and what is there then");
  d.option("template")
      .text()
      .example("\"{time} {json:/device|unknown}: {payload}\"")
      .summary("the whole payload, as a text");
  d.option("add_meta")
      .map()
      .example("{ device: \"{json:/device}\" }")
      .summary("metadata that is added");
  d.option("not_json")
      .one_of({"reject", "pass"})
      .fallback("reject")
      .summary("what becomes of a payload that is no JSON, where fields are to be changed");
}

}  // namespace

STANDPIPE_PLUGIN(Transform)
