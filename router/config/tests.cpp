// SPDX-License-Identifier: Apache-2.0
#include "config/tests.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/binary_text.h"
#include "base/text.h"
#include "config/json_text.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

constexpr const char* kCountMost = "1000000000";

// Reads one test after the other; remembers their names.
class TestReader {
 public:
  TestReader(Context& context, const Ends& ends, const Sources& sources)
      : context_(context), ends_(ends), sources_(sources) {}
  TestOptions read(const Field& field, std::size_t number);

 private:
  std::string read_name(const Reader& reader, std::size_t number);
  std::vector<Field> one_or_more(const Field& field, const std::string& example);
  void read_send(const Field& field, std::vector<SendOptions>& sends);
  void read_content(const Field& field, SendOptions& send);
  void read_raw(const Field& field, SendOptions& send);
  void read_meta(const Field& field, SendOptions& send);
  void read_fail(const Field& field, std::vector<FailOptions>& fails);
  void read_expected(const Field& field, std::vector<ExpectOptions>& expects);
  void read_details(const Field& field, ExpectOptions& expect);
  void read_payloads(const Field& field, ExpectOptions& expect);
  void read_payload(const Field& item, const std::string& key, PayloadWanted& wanted);
  std::optional<std::size_t> resolve(const Field& field, const Names* names, const char* what);

  Context& context_;
  const Ends& ends_;
  const Sources& sources_;
  std::unordered_map<std::string, Spot> names_;
};

TestOptions TestReader::read(const Field& field, std::size_t number) {
  const auto what = "test " + std::to_string(number);
  const Reader reader(
      context_, *field.value, field.key,
      {what,
       "- { name: it works, send: { source: orders, text: hi }, expect: { screen: 1 } }",
       {"name", "send", "expect", "fail"}});
  TestOptions test{.name = read_name(reader, number), .place = {}};
  const auto* name = reader.find("name");
  test.place = context_.mistakes.documents().position(name ? name->value->spot : field.value->spot);
  const auto* send =
      reader.need("send", "say what is sent:  send: { source: orders, text: hello }");
  const auto* expect = reader.need("expect", "say what should come of it:  expect: { screen: 1 }");
  if (send)
    for (const auto& item : one_or_more(*send, "send: [{ source: orders, text: hello }]"))
      read_send(item, test.sends);
  if (const auto* fail = reader.find("fail"))
    for (const auto& item : one_or_more(*fail, "fail: [{ handler: screen, with: reject }]"))
      read_fail(item, test.fails);
  if (!expect) return test;
  const auto expected = Reader::of_names(context_, *expect->value,
                                         {"'expect'", "expect: { screen: 1, unmatched: 0 }", {}});
  for (const auto& each : expected.fields()) read_expected(each, test.expects);
  if (expected.is_empty())
    context_.error(expect->key, "no-value", "this test expects nothing, so it cannot fail",
                   "say what should come of it:  expect: { screen: 1 }");
  return test;
}

std::string TestReader::read_name(const Reader& reader, std::size_t number) {
  const auto* field = reader.find("name");
  const auto name = field ? text_of(context_, *field, "text") : std::nullopt;
  if (!name) return "test " + std::to_string(number);
  const auto& spot = field->value->spot;
  if (name->empty() || name->size() > 200)
    context_.error(spot, "bad-name", "a test's name has 1 to 200 bytes",
                   "give another, or remove it");
  const auto [first, is_new] = names_.emplace(*name, spot);
  if (!is_new && first->second != spot)
    context_.error(spot, "duplicate-name", "two tests are called '" + shown(*name) + "'",
                   "the other is at " + context_.mistakes.documents().position(first->second));
  return *name;
}

std::vector<Field> TestReader::one_or_more(const Field& field, const std::string& example) {
  if (field.value->kind != Kind::list) return {field};
  if (field.value->items.empty())
    context_.error(field.key, "no-value", "'" + field.name + "' has nothing in it",
                   "write  " + example);
  return items_of(context_, field, example);
}

std::optional<std::size_t> TestReader::resolve(const Field& field, const Names* names,
                                               const char* what) {
  const auto name = text_of(context_, field, "a name");
  if (!name || !names) return std::nullopt;
  if (const auto number = names->find(*name)) return number;
  context_.error(field.value->spot, std::string("unknown-") + what,
                 std::string("unknown ") + what + " '" + shown(*name) + "'",
                 suggestion(context_.mistakes, *name, names->sorted(), std::string(what) + "s"));
  return std::nullopt;
}

// ---- send

void TestReader::read_send(const Field& field, std::vector<SendOptions>& sends) {
  const std::vector<std::string> contents = {"text", "hex", "base64", "json", "file", "raw"};
  const Reader reader(context_, *field.value, field.key,
                      {"'send'",
                       "send: { source: orders, text: hello }",
                       {"source", "text", "hex", "base64", "json", "file", "raw", "meta"}});
  const auto* source = reader.need("source", "say where it comes in:  source: orders");
  SendOptions send;
  const auto number = source ? resolve(*source, ends_.sources, "source") : std::nullopt;
  send.source = number.value_or(0);
  const Field* content = nullptr;
  for (const auto& given : reader.fields()) {
    if (std::find(contents.begin(), contents.end(), given.name) == contents.end()) continue;
    if (content)
      context_.error(given.key, "duplicate-key", "'send' has '" + content->name + "' already",
                     "one of them; for several messages write a list");
    else
      content = &given;
  }
  if (!content && reader.is_map())
    context_.error(field.key, "missing-key", "'send' has no message",
                   "add text, hex, base64, json, file or raw");
  const bool is_raw = content && content->name == "raw";
  if (is_raw && number && sources_.options[send.source].origin != source::Origin::fifo)
    context_.error(
        content->key, "unused-key",
        "'raw' is for a FIFO, and '" + shown(sources_.options[send.source].name) + "' is none",
        "write the message as text, hex, base64, json or file");
  if (is_raw)
    read_raw(*content, send);
  else if (content)
    read_content(*content, send);
  if (const auto* meta = reader.find("meta")) read_meta(*meta, send);
  if (number && content) sends.push_back(std::move(send));
}

void TestReader::read_content(const Field& field, SendOptions& send) {
  if (field.name == "json") {
    send.bytes = json_of(context_, field).value_or("");
    return;
  }
  if (field.name == "file") {
    const auto value = value_of(context_, field, {.type = STANDPIPE_PATH, .name = field.name});
    if (value) send.file = value->text;
    return;
  }
  const auto text = text_of(context_, field);
  if (!text) return;
  const auto bytes = field.name == "hex"      ? parse_hex(*text)
                     : field.name == "base64" ? parse_base64(*text)
                                              : std::optional(*text);
  if (!bytes)
    context_.error(field.value->spot, "bad-value",
                   "'" + shown(*text) + "' is not " + (field.name == "hex" ? "hex" : "base64"),
                   field.name == "hex" ? "two digits a byte: 05 00 00 00 68"
                                       : "as `base64` prints it: aGVsbG8=");
  send.bytes = bytes.value_or("");
}

void TestReader::read_raw(const Field& field, SendOptions& send) {
  send.raw = true;
  if (field.value->kind != Kind::map) {
    send.bytes = text_of(context_, field).value_or("");
    return;
  }
  const Reader reader(
      context_, *field.value, field.key,
      {"'raw'", "raw: { hex: 05000000 68656c6c6f }", {"text", "hex", "base64", "file"}});
  if (reader.fields().size() == 1)
    read_content(reader.fields().front(), send);
  else if (reader.is_map())
    context_.error(field.key, "missing-key", "'raw' has one of text, hex, base64 and file",
                   "write  raw: { hex: 05000000 68656c6c6f }");
}

void TestReader::read_meta(const Field& field, SendOptions& send) {
  const auto reader = Reader::of_names(
      context_, *field.value, {"'meta'", "meta: { topic: orders }", {}}, Reader::Notes::kept);
  for (const auto& entry : reader.fields())
    if (auto text = text_of(context_, entry)) send.meta.emplace_back(entry.name, std::move(*text));
}

// ---- fail

void TestReader::read_fail(const Field& field, std::vector<FailOptions>& fails) {
  const Reader reader(context_, *field.value, field.key,
                      {"'fail'", "fail: { handler: screen, with: reject }", {"handler", "with"}});
  const auto* named = reader.need("handler", "say which fails:  handler: screen");
  reader.need("with", "say how:  with: reject");
  const auto with = reader.choice("with", {"retry", "reject"});
  const auto handler = named ? resolve(*named, ends_.handlers, "handler") : std::nullopt;
  if (!handler || !with) return;
  const bool twice = std::any_of(fails.begin(), fails.end(),
                                 [&](const auto& fail) { return fail.handler == *handler; });
  if (twice)
    context_.error(named->value->spot, "duplicate-name", "this handler fails already",
                   "remove one of them");
  fails.push_back(
      {*handler, *with == "retry" ? FailOptions::With::retry : FailOptions::With::reject});
}

// ---- expect

// A handler's name comes before a fate of the same name.
void TestReader::read_expected(const Field& field, std::vector<ExpectOptions>& expects) {
  ExpectOptions expect{.name = field.name};
  expect.place = context_.mistakes.documents().position(field.key);
  const auto fate = std::find(kFateNames.begin(), kFateNames.end(), field.name);
  if (!ends_.handlers) return;
  if (const auto handler = ends_.handlers->find(field.name)) {
    expect.handler = handler;
  } else if (fate != kFateNames.end()) {
    expect.fate = static_cast<Fate>(fate - kFateNames.begin());
  } else {
    auto known = ends_.handlers->sorted();
    known.insert(known.end(), kFateNames.begin(), kFateNames.end());
    return context_.error(field.key, "unknown-handler",
                          "'" + shown(field.name) + "' is no handler, and nothing else to expect",
                          suggestion(context_.mistakes, field.name, known, "choices"));
  }
  if (field.value->kind == Kind::map) {
    read_details(field, expect);
  } else {
    const auto count = value_of(
        context_, field,
        {.type = STANDPIPE_INTEGER, .name = field.name, .minimum = "0", .maximum = kCountMost});
    if (count) expect.count = static_cast<std::uint64_t>(count->integer);
  }
  expects.push_back(std::move(expect));
}

void TestReader::read_details(const Field& field, ExpectOptions& expect) {
  const Reader reader(context_, *field.value, field.key,
                      {"'" + shown(field.name) + "'",
                       shown(field.name) + ": { count: 2, prefix: ping }",
                       {"count", "payload", "prefix", "json"}});
  if (const auto count = reader.integer("count", "0", kCountMost))
    expect.count = static_cast<std::uint64_t>(*count);
  if (reader.is_empty())
    context_.error(field.key, "no-value", "'" + shown(field.name) + "' expects nothing",
                   "add count, payload, prefix or json");
  for (const auto* key : {"payload", "prefix", "json"}) {
    const auto* given = reader.find(key);
    if (given && !expect.handler && is_fault(expect.fate))
      context_.error(given->key, "unused-key", "a fault has no payload", "give its count alone");
    else if (given)
      read_payloads(*given, expect);
  }
  if (expect.in_order && expect.count && *expect.count != expect.payloads.size())
    context_.error(reader.find("count")->value->spot, "out-of-range",
                   "there are " + std::to_string(expect.payloads.size()) + " payloads in the list",
                   "leave 'count' out");
}

// A list has what the messages are, one after the other; anything else is what each of them is.
void TestReader::read_payloads(const Field& field, ExpectOptions& expect) {
  const bool is_list = field.value->kind == Kind::list;
  const auto items = is_list ? items_of(context_, field, {}) : std::vector{field};
  if (!expect.payloads.empty() &&
      (is_list != expect.in_order || expect.payloads.size() != items.size()))
    return context_.error(field.key, "out-of-range", "'" + field.name + "' is for other messages",
                          "give as many as in the list before, or make tests of their own");
  expect.in_order = is_list;
  expect.payloads.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    read_payload(items[i], field.name, expect.payloads[i]);
}

void TestReader::read_payload(const Field& item, const std::string& key, PayloadWanted& wanted) {
  if (key == "json") {
    auto json = json_subset_of(context_, item);
    if (json) wanted.json = std::move(*json);
    return;
  }
  auto text = text_of(context_, item);
  (key == "payload" ? wanted.payload : wanted.prefix) = std::move(text);
}

}  // namespace

std::vector<TestOptions> read_tests(Context& context, const Field& section, const Ends& ends,
                                    const Sources& sources) {
  std::vector<TestOptions> tests;
  TestReader one(context, ends, sources);
  for (const auto& item : items_of(context, section,
                                   "tests: [{ name: it works, send: { source: orders, text: hi }, "
                                   "expect: { screen: 1 } }]"))
    tests.push_back(one.read(item, tests.size() + 1));
  return tests;
}

}  // namespace standpipe::config
