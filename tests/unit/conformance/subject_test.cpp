// SPDX-License-Identifier: Apache-2.0
#include "conformance/subject.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using conformance::sample_text;

TEST_CASE("an option that must be given gets its example, a limit, or what its type has") {
  const auto of = [](plugin::Option option) { return sample_text(option, "/folder"); };
  CHECK(of({.type = STANDPIPE_STRING, .example = "\"0640\""}) == "0640");
  CHECK(of({.type = STANDPIPE_INTEGER, .minimum = "3", .maximum = "9"}) == "3");
  CHECK(of({.type = STANDPIPE_SIZE, .maximum = "1KiB"}) == "1KiB");
  CHECK(of({.type = STANDPIPE_ENUM, .choices = {"fast", "slow"}}) == "fast");
  CHECK(of({.type = STANDPIPE_DURATION}) == "1s");
  CHECK(of({.type = STANDPIPE_LIST}) == "[]");
  CHECK(of({.type = STANDPIPE_MAP}) == "{}");
  CHECK(of({.type = STANDPIPE_SECRET}) == "text");
}

TEST_CASE("a path lies in the check's own folder, whatever its example is") {
  CHECK(sample_text({.type = STANDPIPE_PATH, .name = "file", .example = "/etc/passwd"},
                    "/folder") == "/folder/file");
}
