// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostic.h"
#include "config/document.h"

namespace standpipe::config {

// Everything that is wrong with a configuration. Mistakes are collected in any order and returned
// in that of the files. Equal mistakes at one place (an alias is read wherever it is used) are
// reported once. The same mistake in several places is one message that lists them all, even if its
// text names the part of the configuration. Lines are copied and characters counted only for what
// is shown.
class Mistakes {
 public:
  explicit Mistakes(const Documents& documents) : documents_(documents) {}

  // A spot that is nowhere comes last, without a place.
  void add(const Spot& spot, Diagnostic diagnostic);
  // Too many to be shown: callers may spare themselves the search for a suggestion.
  bool full() const { return kept_.size() >= kKept; }
  bool any_error() const { return errors_ > 0; }
  // The value there must not be seen in any line that is shown.
  void hide(const Spot& secret) { secrets_.insert(secret); }
  const Documents& documents() const { return documents_; }

  // The part that is being read, as messages quote it: mistakes that differ in it alone are the
  // same.
  class Part {
   public:
    Part(Mistakes& mistakes, const std::string& name) : mistakes_(mistakes) {
      mistakes_.part_ = '\'' + name + '\'';
    }
    ~Part() { mistakes_.part_.clear(); }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    Mistakes& mistakes_;
  };

  std::vector<Diagnostic> in_order();

 private:
  static constexpr std::size_t kKept = 200;
  struct Mistake {
    Spot spot;
    Diagnostic diagnostic;
    std::string kind;  // of all that say the same
  };
  std::string kind_of(const Diagnostic& diagnostic) const;
  Location shown(const Spot& spot) const;

  const Documents& documents_;
  std::vector<Mistake> kept_;
  std::set<std::tuple<Spot, std::string, std::string>>
      reported_;  // code and label: a message may name who used the alias
  std::set<Spot> secrets_;
  std::string part_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

}  // namespace standpipe::config
