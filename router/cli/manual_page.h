// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace standpipe::cli {

// One page for man(1), in the macros of man(7). Text is given as people write it: what stands in
// backticks becomes bold, paragraphs with indented lines keep their shape, and nothing in it is
// taken for a request of the formatter.
class ManualPage {
 public:
  ManualPage(std::string_view name, int section, std::string_view summary);

  void heading(std::string_view title);
  void heading_below(std::string_view title);
  void paragraphs(std::string_view text);  // empty lines between them
  void verbatim(std::string_view text);    // line by line
  void item(std::string_view term, std::string_view text);

  std::string file() const;  // "standpipe-run.1"
  const std::string& text() const { return text_; }

 private:
  void add_to_list(std::string_view line);

  std::string name_;
  int section_;
  std::string text_;
};

}  // namespace standpipe::cli
