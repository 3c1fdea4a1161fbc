// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_choices.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

namespace standpipe::match {
namespace {

constexpr std::size_t kChoicesMost = std::size_t{1} << 20;  // as good as any more

class ChoiceCounter {
 public:
  explicit ChoiceCounter(std::string_view pattern) : rest_(pattern), groups_(1) {}

  std::size_t run() {
    while (!rest_.empty()) read();
    while (groups_.size() > 1) close();
    return choices_of(groups_.back());
  }

 private:
  struct Group {
    std::size_t before = 0;  // choices of what stands before its last item
    std::size_t last = 0;    // of that item, to which a repetition refers
    bool has_alternatives = false;
  };

  static std::size_t choices_of(const Group& group) {
    return std::min(group.before + group.last + (group.has_alternatives ? 1 : 0), kChoicesMost);
  }

  char take() {
    const char c = rest_.empty() ? '\0' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  void skip_past(char end) { rest_.remove_prefix(std::min(rest_.find(end), rest_.size() - 1) + 1); }
  void item(std::size_t choices) {
    auto& group = groups_.back();
    group.before = std::min(group.before + group.last, kChoicesMost);
    group.last = choices;
  }

  void read() {
    switch (take()) {
      case '\\':
        return escape();
      case '[':
        return list();
      case '.':
        return item(1);
      case '(':
        return open();
      case ')':
        return close();
      case '|':
        item(0);
        groups_.back().has_alternatives = true;
        return;
      case '*':
      case '+':
      case '?':
        return repeat(1);
      case '{':
        return braces();
      default:
        return item(0);
    }
  }

  void escape() {
    const char c = take();
    if (c == 'Q') return quoted();
    const bool is_property = c == 'p' || c == 'P';
    if ((is_property || c == 'x') && rest_.starts_with('{'))
      skip_past('}');
    else if (is_property)
      take();
    item(is_property || std::string_view("dDsSwWC").find(c) != std::string_view::npos ? 1 : 0);
  }
  void quoted() {
    const auto end = rest_.find("\\E");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
    item(0);
  }
  // A class: [abc], [^]a], [[:alpha:]\]].
  void list() {
    if (rest_.starts_with('^')) take();
    if (rest_.starts_with(']')) take();
    while (!rest_.empty() && rest_.front() != ']') {
      const char c = take();
      if (c == '\\')
        take();
      else if (c == '[' && rest_.starts_with(':') && rest_.find(":]") != std::string_view::npos)
        rest_.remove_prefix(rest_.find(":]") + 2);
    }
    take();
    item(1);
  }

  void open() {
    item(0);
    groups_.emplace_back();
    if (!rest_.starts_with('?')) return;
    // (?P<name>, (?i:, or (?i), which ends here.
    if (rest_.starts_with("?P<") || rest_.starts_with("?<")) return skip_past('>');
    const auto end = std::min(rest_.find_first_of(":)"), rest_.size());
    rest_.remove_prefix(end);
    if (rest_.starts_with(':')) take();
  }
  void close() {
    if (groups_.size() == 1) return;
    const auto choices = choices_of(groups_.back());
    groups_.pop_back();
    groups_.back().last = choices;
  }

  void repeat(std::size_t times) {
    auto& last = groups_.back().last;
    last = std::min(std::max<std::size_t>(last, 1) * times, kChoicesMost);
  }
  std::optional<std::size_t> number() {
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return std::min(n, kChoicesMost);
  }
  // {3}, {3,} or {3,5}; anything else is text.
  void braces() {
    const auto whole = rest_;
    const auto least = number();
    auto most = least;
    const bool is_range = least && rest_.starts_with(',');
    if (is_range) {
      take();
      most = rest_.starts_with('}') ? std::optional(*least + 1) : number();
    }
    if (!least || !most || take() != '}') {
      rest_ = whole;
      return item(0);
    }
    if (is_range || groups_.back().last > 0) repeat(std::max<std::size_t>(*most, 1));
  }

  std::string_view rest_;
  std::vector<Group> groups_;  // those that are open
};

}  // namespace

std::size_t choices_in(std::string_view pattern) { return ChoiceCounter(pattern).run(); }

}  // namespace standpipe::match
