// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "control/glance.h"

namespace standpipe::cli {

// How `stats` shows a hub at a glance.
struct GlanceView {
  enum class Sort { as_configured, in, out, lag, age, dropped, dead };
  Sort sort = Sort::as_configured;
  std::vector<std::string> sources = {};  // patterns (*, ?); empty: all
  std::optional<std::size_t> top = {};    // so many rows of the table
  std::size_t width = 0;                  // columns of the terminal; 0: there is none
  std::size_t height = 0;                 // lines of it; 0: as many as there are
};

// A heading, the account, a row a delivery, and what is not as it should be. Rates are those
// between `before` and `now`; without a `before`, or where the hub has counted anew since, they are
// "-". `wall`: the time of day, for times. Where rows do not fit and nobody said which are wanted,
// the busiest are shown, and how many there are besides.
std::string glance_text(const control::Glance& now, const control::Glance* before,
                        const GlanceView& view, Nanoseconds wall);

}  // namespace standpipe::cli
