// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/verdict.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "match/explain.h"

namespace standpipe::rehearsal {
namespace {

using config::ExpectOptions;
using config::Fate;
using config::is_fault;
using config::name_of;
using Indexes = Performance::Indexes;

constexpr std::size_t kShownMost = 8;  // messages, reasons and differences of one test

// Holds a performance against what its test expects.
class Judge {
 public:
  Judge(Rehearsal& rehearsal, const config::TestOptions& test, const Performance& performance)
      : rehearsal_(rehearsal), hub_(rehearsal.hub()), test_(test), performance_(performance) {}
  Verdict judge();

 private:
  void judge_one(const ExpectOptions& expect);
  bool judge_payloads(const ExpectOptions& expect);
  void judge_faults();
  void tell();
  void tell_sent();
  void tell_got();
  std::string routes_to(std::size_t handler, const Indexes& messages);

  void say_why(const ExpectOptions& expect, bool too_few);
  void say_why_not(const ExpectOptions& expect, std::size_t index);
  void say_why_not_to(std::size_t handler, const Performance::Message& message);
  void say_why_so(const ExpectOptions& expect, std::size_t index);
  void say_faults();
  void because(std::string text, std::string place = {});
  match::Explanation explained(const Performance::Message& message) const;
  bool leads_to(std::size_t route, std::size_t handler) const;

  Rehearsal& rehearsal_;
  const config::HubOptions& hub_;
  const config::TestOptions& test_;
  const Performance& performance_;
  Verdict verdict_;
  std::vector<const ExpectOptions*> failed_;
  match::Json json_;
};

Verdict Judge::judge() {
  if (!performance_.problem.empty()) {
    verdict_.passed = false;
    because(performance_.problem);
    return std::move(verdict_);
  }
  for (const auto& expect : test_.expects) judge_one(expect);
  judge_faults();
  if (!verdict_.passed) tell();
  return std::move(verdict_);
}

void Judge::judge_one(const ExpectOptions& expect) {
  const auto count = performance_.count(expect);
  const auto wanted = expect.count      ? *expect.count
                      : expect.in_order ? expect.payloads.size()
                                        : std::max<std::uint64_t>(1, count);
  if (count == wanted && judge_payloads(expect)) return;
  verdict_.passed = false;
  failed_.push_back(&expect);
  if (count == wanted) return;
  verdict_.expected.push_back(expect.name + ' ' + thousands(wanted) +
                              (expect.count || expect.in_order ? "" : " or more"));
  say_why(expect, count < wanted);
}

bool Judge::judge_payloads(const ExpectOptions& expect) {
  if (expect.payloads.empty()) return true;
  bool good = true;
  const auto& indexes = performance_.of(expect);
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const auto& wanted = expect.payloads[expect.in_order ? i : 0];
    auto found = difference(wanted, performance_.messages[indexes[i]].payload, json_);
    if (!found) continue;
    good = false;
    found->wanted = expect.name + "  " + found->wanted;
    if (verdict_.differences.size() < kShownMost) verdict_.differences.push_back(std::move(*found));
  }
  return good;
}

// A test that meant to send whole frames must not pass because they were none.
void Judge::judge_faults() {
  for (const auto fate : {Fate::bad_frame, Fate::truncated}) {
    const auto names_it = [&](const auto& e) { return !e.handler && e.fate == fate; };
    if (performance_.faults_of(fate) == 0 ||
        std::any_of(test_.expects.begin(), test_.expects.end(), names_it))
      continue;
    verdict_.passed = false;
    verdict_.expected.push_back(std::string("no ") + name_of(fate));
  }
}

// ---- what is shown

void Judge::tell() {
  tell_sent();
  tell_got();
  say_faults();
}

void Judge::tell_sent() {
  for (std::size_t i = 0; i < performance_.written.size(); ++i) {
    const auto& send = test_.sends[i];
    const auto& name = hub_.sources[send.source].name;
    if (i == kShownMost) {
      verdict_.sent.push_back("and " + counted(performance_.written.size() - i, "more", "more"));
      return;
    }
    const auto how = send.raw ? "raw  " : "";
    const std::string_view raw = performance_.written[i];
    const auto what = !send.file.empty() ? "file " + escaped(send.file)
                      : send.raw         ? hex_excerpt(std::as_bytes(std::span(raw)))
                                         : shown_payload(send.bytes);
    verdict_.sent.push_back(name + "  " + how + what);
  }
}

// The handlers and fates in question, then all others that have something.
void Judge::tell_got() {
  std::set<std::string> told;
  const auto tell_one = [&](const std::string& name, std::uint64_t count, const std::string& how) {
    if (told.insert(name).second) verdict_.got.push_back(name + ' ' + thousands(count) + how);
  };
  for (const auto* expect : failed_)
    tell_one(expect->name, performance_.count(*expect),
             expect->handler ? routes_to(*expect->handler, performance_.of(*expect)) : "");
  for (const auto& [handler, indexes] : performance_.delivered)
    tell_one(hub_.handlers[handler].name, indexes.size(), routes_to(handler, indexes));
  for (std::size_t f = 0; f < config::kFates; ++f) {
    const auto fate = static_cast<Fate>(f);
    const auto count =
        is_fault(fate) ? performance_.faults_of(fate) : performance_.by_fate[f].size();
    if (count > 0) tell_one(name_of(fate), count, "");
  }
}

bool Judge::leads_to(std::size_t route, std::size_t handler) const {
  const auto& to = hub_.routes[route].to;
  return std::find(to.begin(), to.end(), handler) != to.end();
}

std::string Judge::routes_to(std::size_t handler, const Indexes& messages) {
  std::vector<std::string> names;
  for (const auto index : std::span(messages).first(std::min(messages.size(), kShownMost)))
    for (const auto& route : explained(performance_.messages[index]).routes)
      if (route.matched && leads_to(route.number, handler) &&
          std::find(names.begin(), names.end(), route.name) == names.end())
        names.push_back(route.name);
  if (names.empty()) return messages.empty() ? "" : " (as unmatched)";
  // One without a name is called "route 2".
  const bool says_so = names.size() == 1 && names[0].starts_with("route ");
  const std::string word = says_so ? "" : names.size() > 1 ? "routes " : "route ";
  return " (by " + word + escaped(joined(names, ", ")) + ')';
}

// ---- why

match::Explanation Judge::explained(const Performance::Message& message) const {
  return rehearsal_.explain(message.source, message.payload, message.meta);
}

void Judge::because(std::string text, std::string place) {
  Verdict::Reason reason{std::move(text), std::move(place)};
  auto& all = verdict_.because;
  if (all.size() < kShownMost && std::find(all.begin(), all.end(), reason) == all.end())
    all.push_back(std::move(reason));
}

void Judge::say_why(const ExpectOptions& expect, bool too_few) {
  if (!expect.handler && is_fault(expect.fate)) return;  // all faults are told
  const auto& mine = performance_.of(expect);
  for (std::size_t i = 0; i < performance_.messages.size(); ++i) {
    const bool has_it = std::find(mine.begin(), mine.end(), i) != mine.end();
    if (too_few && !has_it) say_why_not(expect, i);
    if (!too_few && has_it) say_why_so(expect, i);
    if (verdict_.because.size() == kShownMost) return;
  }
}

void Judge::say_why_not(const ExpectOptions& expect, std::size_t index) {
  const auto& message = performance_.messages[index];
  if (expect.handler) return say_why_not_to(*expect.handler, message);
  if (expect.fate != Fate::unmatched) return;
  for (const auto& route : explained(message).routes)
    if (route.matched)
      because(escaped(route.name) + " took it: " + route.reason, route.place.text());
}

void Judge::say_why_not_to(std::size_t handler, const Performance::Message& message) {
  const auto& to = message.routed.handlers;
  if (std::find(to.begin(), to.end(), handler) != to.end())
    return because(hub_.handlers[handler].name + " was given it, and fails in this test");
  bool any = false;
  const auto why = explained(message);
  for (const auto& route : why.routes) {
    if (!leads_to(route.number, handler)) continue;
    any = true;
    if (route.reached)
      because(escaped(route.name) + ": " + route.reason, route.place.text());
    else
      because(escaped(route.name) + ": '" + escaped(why.routes[*why.stopped_by].name) +
                  "' is final and took it before",
              why.routes[*why.stopped_by].place.text());
  }
  if (!any)
    because("no route leads from " + hub_.sources[message.source].name + " to " +
            hub_.handlers[handler].name);
}

void Judge::say_why_so(const ExpectOptions& expect, std::size_t index) {
  const auto& message = performance_.messages[index];
  const auto why = explained(message);
  if (expect.handler && !message.routed.wanted)
    return because("no route wants it, so it is left to `unmatched`");
  for (const auto& route : why.routes) {
    const bool concerned = expect.handler ? route.matched && leads_to(route.number, *expect.handler)
                                          : expect.fate == Fate::unmatched && route.reached;
    if (concerned) because(escaped(route.name) + ": " + route.reason, route.place.text());
  }
}

void Judge::say_faults() {
  for (const auto& [source, fault] : performance_.faults) {
    const auto& name = hub_.sources[source].name;
    because(name + ": " + fault_text(fault, hub_.sources[source].message_size_max) +
            (fault.note.empty() ? "" : "; " + fault.note));
  }
}

}  // namespace

Verdict run_test(Rehearsal& rehearsal, const config::TestOptions& test) {
  const auto began = SystemClock().steady();
  const auto performance = perform(rehearsal, test);
  auto verdict = Judge(rehearsal, test, performance).judge();
  verdict.took = SystemClock().steady() - began;
  return verdict;
}

}  // namespace standpipe::rehearsal
