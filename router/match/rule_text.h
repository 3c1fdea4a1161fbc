// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "match/rule.h"

namespace standpipe::match {

// A rule in words, one text for each condition that must hold: `text begins with "ping"`,
// `size > 1024`. An empty rule has none. Lists within lists are joined where that means the same,
// so two rules that say the same in the same words have the same texts, in whatever order; whatever
// differs in meaning has another text.
std::vector<std::string> condition_texts(const Rule& rule);
// All of them for a person: on one line, cut where it is long, and "everything" where there are
// none.
std::string rule_text(const Rule& rule);

}  // namespace standpipe::match
