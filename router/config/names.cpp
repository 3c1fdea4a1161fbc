// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <algorithm>

#include "base/text.h"

namespace standpipe::config {
namespace {

constexpr std::size_t kNameCharactersMax = 64;
constexpr std::size_t kListed = 12;           // names in one message
constexpr std::size_t kKeysListed = 24;       // a map's keys are all named: there are no more
constexpr std::size_t kCandidatesMax = 1000;  // more are not compared with: it would take seconds
constexpr std::size_t kShownBytes = 200;      // of a key or value in a message

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string listed(const std::vector<std::string>& names, std::string_view plural) {
  if (names.empty()) return "there are no " + std::string(plural);
  const auto count = std::min(names.size(), plural == "keys" ? kKeysListed : kListed);
  std::vector<std::string> first;
  for (std::size_t i = 0; i < count; ++i) first.push_back(shown(names[i]));
  return std::string(plural) + ": " + joined(first, ", ") +
         (names.size() > count ? " and " + std::to_string(names.size() - count) + " more" : "");
}

}  // namespace

std::optional<std::size_t> Names::find(const std::string& name) const {
  const auto at = numbers_.find(name);
  if (at == numbers_.end()) return std::nullopt;
  return at->second;
}

void Names::add(const std::string& name, const Spot& spot) {
  numbers_.emplace(name, spots_.size());
  spots_.push_back(spot);
}

std::vector<std::string> Names::sorted() const {
  std::vector<std::string> names;
  for (const auto& [name, number] : numbers_) names.push_back(name);
  return names;
}

std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return escaped(text);
  auto cut = kShownBytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return escaped(text.substr(0, cut)) + "...";
}

bool check_name(Mistakes& mistakes, const Spot& spot, const std::string& name) {
  const auto is_fine = [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
  };
  const auto bad = [&](std::string label) {
    mistakes.add(spot, {.code = "bad-name",
                        .message = "'" + shown(name) + "' cannot be a name",
                        .label = std::move(label)});
    return false;
  };
  if (name.size() > kNameCharactersMax) return bad("a name has at most 64 characters");
  if (!std::all_of(name.begin(), name.end(), is_fine))
    return bad("a name has letters, digits, _ - . only");
  if (name.empty() || (!is_alphanumeric(name[0]) && name[0] != '_'))
    return bad("a name begins with a letter, a digit or _");
  return true;
}

std::string suggestion(const Mistakes& mistakes, std::string_view mistyped,
                       const std::vector<std::string>& known, std::string_view plural) {
  if (mistakes.full()) return {};
  const auto near = known.size() <= kCandidatesMax ? nearest(mistyped, known) : std::nullopt;
  return near ? "did you mean '" + shown(*near) + "'? (" + listed(known, plural) + ")"
              : listed(known, plural);
}

}  // namespace standpipe::config
