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

// ---- reasons of single messages

namespace {

void note(Fixture& f, std::uint32_t message, std::string_view why) {
  auto& note = f.flight.notes[f.flight.result.note_count++];
  note.message = message;
  note.length = static_cast<std::uint32_t>(why.copy(note.text, sizeof note.text));
}

}  // namespace

TEST_CASE("a message with a note has its own reason, and the batch's is for the others") {
  Fixture f("JJRD");
  note(f, 0, "too old");
  CHECK(f.made().reason_for(1) == "too old");
  CHECK(f.made().reason_for(2) == "its plugin gave no reason for this message");
  CHECK(f.made().reason_for(3) == "db down");
  note(f, 2, "not now");
  CHECK(f.made().reason_for(3) == "not now");
  CHECK(f.made().reason_for(2) == "db down");  // the last one without a note
}

TEST_CASE("messages that failed for different reasons are different runs") {
  Fixture f("JJJJD");
  note(f, 0, "a");
  note(f, 1, "a");
  note(f, 2, "b");
  const auto made = f.made();
  CHECK(made.end_of_run(0) == 2);
  CHECK(made.end_of_run(2) == 3);
  CHECK(made.end_of_run(3) == 4);
}

TEST_CASE("of several notes of a message the last one counts") {
  Fixture f("J");
  note(f, 0, "a");
  note(f, 0, "b");
  CHECK(f.made().reason_for(1) == "b");
}

TEST_CASE("notes of a plugin gone wild do no harm") {
  Fixture f("JD");
  note(f, 77, "nobody's");
  note(f, 1, "it did not fail");
  note(f, 0, "line\nfeed");
  f.flight.notes[2].length = 0xffffffff;
  const auto made = f.made();
  CHECK(made.end_of_run(0) == 1);
  CHECK(made.reason_for(1).starts_with("line\\nfeed"));
  CHECK(made.reason_for(1).size() < 5 * sizeof(standpipe_note::text));
  f.flight.result.note_count = 0xffffffff;
  CHECK(f.made().reason_for(1) == "db down");  // the last of them is empty
}
