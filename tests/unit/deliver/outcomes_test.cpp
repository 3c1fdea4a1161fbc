// SPDX-License-Identifier: Apache-2.0
#include "deliver/outcomes.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string_view>

using namespace standpipe;
using deliver::Outcomes;

namespace {

// An answer: D delivered, R retry, J reject, F filtered.
struct Fixture {
  explicit Fixture(std::string_view outcomes) {
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      flight.outcomes[i] = static_cast<std::uint8_t>(std::string_view("DRJF").find(outcomes[i]));
    flight.result.at = static_cast<std::uint32_t>(outcomes.size());
  }
  Outcomes made() { return {batch, flight, answer, {}}; }
  deliver::Flight flight{};
  deliver::Batch batch{10, 10};
  plugin::Answer answer{STANDPIPE_OK, "db down"};
};

}  // namespace

TEST_CASE("messages of one outcome in a row are a run") {
  Fixture f("DDRRD");
  CHECK(f.made().end_of_run(0) == 2);
  CHECK(f.made().end_of_run(2) == 4);
  CHECK(f.made().end_of_run(4) == 5);
}

TEST_CASE("the plugin's one reason is that of the last message that failed") {
  Fixture f("JDRD");
  CHECK(f.made().has_failed_ones());
  CHECK(f.made().reason_for(3) == "db down");
  CHECK(f.made().reason_for(1) == "its plugin gave no reason for this message");
  CHECK_FALSE(Fixture("DFD").made().has_failed_ones());
}
