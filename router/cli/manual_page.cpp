// SPDX-License-Identifier: Apache-2.0
#include "cli/manual_page.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace standpipe::cli {
namespace {

std::string in_capitals(std::string_view text) {
  std::string all(text);
  std::ranges::transform(all, all.begin(), [](unsigned char c) { return std::toupper(c); });
  return all;
}

std::string formatted(std::string_view text) {
  std::string all;
  bool bold = false;
  for (const char c : text) switch (c) {
      case '\\':
        all += "\\e";
        break;
      case '-':
        all += "\\-";
        break;
      case '\'':
        all += "\\(aq";
        break;
      case '"':
        all += "\\(dq";
        break;
      case '^':
        all += "\\(ha";
        break;
      case '~':
        all += "\\(ti";
        break;
      case '`':
        all += (bold = !bold) ? "\\fB" : "\\fR";
        break;
      default:
        all += c;
    }
  return bold ? all + "\\fR" : all;
}

// A dot there would be a request.
std::string formatted_line(std::string_view line) {
  return (line.starts_with('.') ? "\\&" : "") + formatted(line) + '\n';
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool is_indented(std::string_view line) { return line.starts_with(' '); }

// Of "term   what it means", 4; else 0.
std::size_t term_length(std::string_view line) {
  const auto end = line.find(' ');
  return end != std::string_view::npos && line.substr(end).starts_with("  ") ? end : 0;
}

std::vector<std::vector<std::string_view>> split_paragraphs(std::string_view text) {
  std::vector<std::vector<std::string_view>> all;
  bool begins = true;
  while (!text.empty()) {
    const auto line = next_line(text);
    if (!line.empty() && begins) all.emplace_back();
    begins = line.empty();
    if (!begins) all.back().push_back(line);
  }
  return all;
}

// As one word of a request.
std::string request_word(std::string_view text) { return '"' + formatted(text) + '"'; }

}  // namespace

ManualPage::ManualPage(std::string_view name, int section, std::string_view summary)
    : name_(name), section_(section) {
  text_ = ".\\\" Made by standpipe itself: standpipe help --man-pages DIR\n";
  text_ += ".TH " + request_word(in_capitals(name)) + ' ' + std::to_string(section) + " \"\" " +
           request_word("Standpipe " STANDPIPE_VERSION) + " \"Standpipe\"\n.nh\n.ad l\n";
  heading("NAME");
  text_ += formatted(name) + " \\- " + formatted(summary) + '\n';
}

void ManualPage::heading(std::string_view title) { text_ += ".SH " + request_word(title) + '\n'; }

void ManualPage::heading_below(std::string_view title) {
  text_ += ".SS " + request_word(title) + '\n';
}

// A paragraph with indented lines has a shape: a list of terms, each two spaces or more before what
// it means, or an example.
void ManualPage::paragraphs(std::string_view text) {
  for (const auto& lines : split_paragraphs(text)) {
    const bool plain = std::ranges::none_of(lines, is_indented);
    if (plain) {
      text_ += ".PP\n";
      for (const auto line : lines) text_ += formatted_line(line);
    } else if (is_indented(lines[0]) || term_length(lines[0]) == 0) {
      text_ += ".PP\n.EX\n";
      for (const auto line : lines) text_ += formatted_line(line);
      text_ += ".EE\n";
    } else {
      for (const auto line : lines) add_to_list(line);
    }
  }
}

void ManualPage::add_to_list(std::string_view line) {
  if (const auto length = is_indented(line) ? 0 : term_length(line)) {
    text_ += ".TP\n.B " + formatted_line(line.substr(0, length));
    line.remove_prefix(length);
  }
  text_ += formatted_line(line.substr(std::min(line.find_first_not_of(' '), line.size())));
}

void ManualPage::verbatim(std::string_view text) {
  text_ += ".PP\n.EX\n";
  while (!text.empty()) text_ += formatted_line(next_line(text));
  text_ += ".EE\n";
}

void ManualPage::item(std::string_view term, std::string_view text) {
  text_ += ".TP\n" + formatted_line(term);
  while (!text.empty()) {
    const auto line = next_line(text);
    text_ += line.empty() ? ".IP\n" : formatted_line(line);
  }
}

std::string ManualPage::file() const { return name_ + '.' + std::to_string(section_); }

}  // namespace standpipe::cli
