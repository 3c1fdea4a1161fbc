// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/reader.h"
#include "match/rule.h"

namespace standpipe::config {

// The parts of a rule that are conditions: `text:`, `json:`, `meta:` and `size:`. Each adds what it
// reads, with its place; of what is wrong nothing is added.
void read_text_conditions(Context& context, const Field& field,
                          std::vector<match::Condition>& conditions);
void read_json_conditions(Context& context, const Field& field,
                          std::vector<match::Condition>& conditions);
void read_meta_conditions(Context& context, const Field& field,
                          std::vector<match::Condition>& conditions);
void read_size_conditions(Context& context, const Field& field,
                          std::vector<match::Condition>& conditions);

}  // namespace standpipe::config
