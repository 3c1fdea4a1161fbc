// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "match/message.h"
#include "match/rule.h"

namespace standpipe::match {

// `unknown`: the payload could not be looked into, because it is larger than match_max, because it
// is no JSON document where one is asked for, or because it is too long for a pattern that may be
// slow (pattern_cost.h). Such a condition does not hold, and neither does
// its `not`: a route takes a message only for what was seen in it. As in SQL, an unknown part makes
// `all` unknown unless another part fails, and `any` unless another part holds.
enum class Truth : std::uint8_t { no, unknown, yes };

struct Decision {
  Truth truth = Truth::yes;
  const Condition* by = nullptr;  // the first that decided; nothing: the rule has no condition
};

// The plain way to match: rule by rule, part by part. `explain` shows what this says, and the tests
// hold the compiled Matcher to it.
Decision evaluate(const Rule& rule, Look& look);

// The same of one condition.
Truth truth_of(const Condition& condition, Look& look);

// The same where the value that its subject has is known.
Truth truth_on(const Condition& condition, const Value& seen, Look& look);

// Whether the value that a condition's subject has is as it wants.
bool holds(const Condition& condition, const Value& seen);

}  // namespace standpipe::match
