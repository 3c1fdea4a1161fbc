// SPDX-License-Identifier: Apache-2.0
#include "common/json_edit.h"

#include <charconv>
#include <vector>

#include "common/json_scan.h"

namespace common {
namespace {

bool is_called(std::string_view text, const JsonMember& member, std::string_view name) {
  const auto quoted = member.name(text);
  if (quoted.find('\\') == quoted.npos)
    return quoted.size() == name.size() + 2 && quoted.substr(1, name.size()) == name;
  return json_string(quoted) == name;
}

std::optional<std::size_t> index_of(std::string_view step) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  const bool is_index = error == std::errc() && end == step.data() + step.size() &&
                        (step.size() == 1 || step.front() != '0');
  return is_index ? std::optional(index) : std::nullopt;
}

bool is_list(std::string_view text, std::size_t value) {
  return value < text.size() && text[value] == '[';
}
bool is_object(std::string_view text, std::size_t value) {
  return value < text.size() && text[value] == '{';
}

// Which of the members of the container that begins there the step means.
std::optional<std::size_t> member_of(std::string_view text, std::size_t container,
                                     const std::vector<JsonMember>& members,
                                     std::string_view step) {
  if (is_list(text, container)) {
    const auto index = index_of(step);
    return index && *index < members.size() ? index : std::nullopt;
  }
  for (auto i = members.size(); i > 0; --i)
    if (is_called(text, members[i - 1], step)) return i - 1;
  return std::nullopt;
}

}  // namespace

void JsonPicks::add(const JsonPointer& pointer) {
  auto* at = this;
  for (const auto& step : pointer.steps()) at = &at->next_[step];
  at->is_whole_ = true;
}

// A member, and the container that it is in.
struct JsonEdit::Spot {
  std::size_t container;
  std::vector<JsonMember> members;
  std::size_t which;
  const JsonMember& member() const { return members[which]; }
};

std::size_t JsonEdit::root() const { return skip_json_space(text_, 0); }

bool JsonEdit::has_fields() const { return is_object(text_, root()) || is_list(text_, root()); }

std::optional<JsonEdit::Spot> JsonEdit::locate(const JsonPointer& pointer,
                                               std::size_t steps) const {
  std::optional<Spot> spot;
  auto value = root();
  for (std::size_t i = 0; i < steps; ++i) {
    auto members = json_members(text_, value);
    const auto which = member_of(text_, value, members, pointer.steps()[i]);
    if (!which) return std::nullopt;
    spot = Spot{value, std::move(members), *which};
    value = spot->member().value;
  }
  return spot;
}

std::optional<std::string_view> JsonEdit::find(const JsonPointer& pointer) const {
  if (pointer.steps().empty()) {
    const auto begin = root();
    return std::string_view(text_).substr(begin, json_value_end(text_, begin) - begin);
  }
  const auto spot = locate(pointer, pointer.steps().size());
  if (!spot) return std::nullopt;
  return spot->member().value_in(text_);
}

void JsonEdit::pick(const JsonPicks& picks) {
  std::string out;
  if (!picked(picks, root(), out)) out = is_list(text_, root()) ? "[]" : "{}";
  text_ = std::move(out);
}

// false: there is nothing of it.
bool JsonEdit::picked(const JsonPicks& picks, std::size_t value, std::string& out) const {
  if (picks.is_whole_) {
    out.append(text_, value, json_value_end(text_, value) - value);
    return true;
  }
  const auto begin = out.size();
  const auto members = json_members(text_, value);
  const bool in_list = is_list(text_, value);
  bool any = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& member = members[i];
    const auto step = in_list ? std::to_string(i) : json_string(member.name(text_)).value_or("");
    const auto next = picks.next_.find(step);
    if (next == picks.next_.end() || member_of(text_, value, members, step) != i) continue;
    const auto before = out.size();
    out += any ? ',' : text_[value];
    out.append(text_, member.begin, member.value - member.begin);
    if (picked(next->second, member.value, out))
      any = true;
    else
      out.resize(before);
  }
  if (any)
    out += in_list ? ']' : '}';
  else
    out.resize(begin);
  return any;
}

void JsonEdit::remove(const JsonPointer& pointer) {
  if (!remove_one(pointer)) return;
  const auto parent = locate(pointer, pointer.steps().size() - 1);
  if (is_list(text_, parent ? parent->member().value : root())) return;
  while (remove_one(pointer)) {  // the same name once more
  }
}

bool JsonEdit::remove_one(const JsonPointer& pointer) {
  const auto spot = locate(pointer, pointer.steps().size());
  if (!spot) return false;
  auto begin = spot->member().begin;
  auto end = spot->member().end;
  if (spot->which + 1 < spot->members.size())
    end = spot->members[spot->which + 1].begin;
  else if (spot->which > 0)
    begin = spot->members[spot->which - 1].end;
  text_.erase(begin, end - begin);
  return true;
}

void JsonEdit::rename(const JsonPointer& pointer, std::string_view name) {
  const auto& old = pointer.steps().back();
  auto spot = locate(pointer, pointer.steps().size());
  if (!spot || !is_object(text_, spot->container) || old == name) return;
  // From the end on, so that what is before keeps its place: the one that counts is renamed, and
  // others of either name go.
  std::string renamed(text_, 0, spot->container);
  renamed += '{';
  auto copied = spot->container + 1;
  bool any = false;
  for (std::size_t i = 0; i < spot->members.size(); ++i) {
    const auto& member = spot->members[i];
    const bool is_it = i == spot->which;
    const bool goes = !is_it && (is_called(text_, member, old) || is_called(text_, member, name));
    if (goes) {
      copied = member.end;
      continue;
    }
    auto between = std::string_view(text_).substr(copied, member.begin - copied);
    if (!any && between.find(',') != between.npos) between.remove_prefix(between.find(',') + 1);
    renamed += between;
    renamed += is_it ? json_quoted(name) : std::string(member.name(text_));
    renamed.append(text_, member.name_end, member.end - member.name_end);
    copied = member.end;
    any = true;
  }
  renamed.append(text_, copied);
  text_ = std::move(renamed);
}

bool JsonEdit::set(const JsonPointer& pointer, std::string_view json) {
  const auto& steps = pointer.steps();
  auto known = steps.size();
  auto spot = locate(pointer, known);
  if (spot) {
    const auto member = spot->member();
    text_.replace(member.value, member.end - member.value, json);
    return true;
  }
  while (known > 0 && !(spot = locate(pointer, known))) --known;
  std::string value(json);
  for (auto i = steps.size(); i-- > known + 1;)
    value = '{' + json_quoted(steps[i]) + ':' + value + '}';
  return add_member(spot ? spot->member().value : root(), steps[known], value);
}

bool JsonEdit::add_member(std::size_t container, const std::string& step, const std::string& json) {
  const auto members = json_members(text_, container);
  const bool in_list = is_list(text_, container);
  if (!in_list && !is_object(text_, container)) return false;
  if (in_list && step != "-" && index_of(step) != members.size()) return false;
  std::string added = members.empty() ? "" : ",";
  if (!in_list) added += json_quoted(step) + ':';
  added += json;
  text_.insert(members.empty() ? container + 1 : members.back().end, added);
  return true;
}

}  // namespace common
