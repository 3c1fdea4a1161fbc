// SPDX-License-Identifier: Apache-2.0
#include "common/fields.h"

#include <catch2/catch.hpp>

#include "kit.h"

using common::Fields;
using common::Template;
using Part = Template::Part;

namespace {

const Template kTemplate("{json:/a}{json:/b|none}{meta:key}{sequence}",
                         {"shape", {Part::json, Part::meta, Part::sequence}});

// The texts of the template's placeholders in a message, with why one is missing.
std::vector<std::string> texts(Fields& fields, const kit::Message& message) {
  const kit::Lent lent({message}, "in", 1);
  const standpipe::Message seen(lent.abi_batch()->messages[0], *lent.abi_batch());
  fields.look_at(seen);
  std::vector<std::string> out;
  for (const auto& piece : kTemplate.pieces()) {
    const auto text = fields.text(piece);
    out.push_back(text ? std::string(*text) : "(" + fields.why_missing(piece) + ")");
  }
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("each message is looked into anew, and what is missing is said") {
  Fields fields;
  CHECK(texts(fields, {R"({"a":"x","b":2})", 7, 0, {{"key", "k"}}}) == Texts{"x", "2", "k", "7"});
  CHECK(texts(fields, {R"({"b":null})", 8}) == Texts{"(its payload has nothing for {json:/a})",
                                                     "none", "(it has no metadata 'key')", "8"});
  CHECK(texts(fields, {"plain", 9})[0] == "(its payload is no JSON)");
  CHECK(texts(fields, {std::string(2 << 20, ' '), 9})[0] ==
        "(its payload is larger than 1 MiB, so nobody looks for JSON in it)");
}

TEST_CASE("metadata of a source holds for its messages, unless they have their own") {
  Fields fields;
  const Template key("{meta:key}", {"shape", {Part::meta}});
  const kit::Lent lent({{"", 1, 0, {{"key", "own"}}}, {"", 2}}, "in", 1);
  auto batch = *lent.abi_batch();
  const standpipe_pair shared{kit::abi("key"), kit::abi("shared")};
  batch.source_meta = &shared;
  batch.source_meta_count = 1;
  const auto text_of = [&](std::size_t i) {
    fields.look_at(standpipe::Message(batch.messages[i], batch));
    return std::string(fields.text(key.pieces()[0]).value_or("(nothing)"));
  };
  CHECK(text_of(0) == "own");
  CHECK(text_of(1) == "shared");
  batch.size = offsetof(standpipe_batch, source_meta);  // an older router
  batch.stride = offsetof(standpipe_message, meta);
  fields.look_at(standpipe::Message(batch.messages[0], batch));
  CHECK_FALSE(fields.text(key.pieces()[0]));
}
