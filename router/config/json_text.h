// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "config/test_options.h"

namespace standpipe::config {

// YAML as the JSON that it looks like: `{ type: order, amount: 5000 }` is
// {"type":"order","amount":5000}. Scalars are what they are in a route's condition (json_value.h).
// nullopt: a mistake was added.
std::optional<std::string> json_of(Context& context, const Field& field);

// What a document must have to contain that value: each scalar in it, in maps that may have more
// and lists that may not. nullopt: a mistake was added.
std::optional<std::vector<JsonWanted>> json_subset_of(Context& context, const Field& field);

}  // namespace standpipe::config
