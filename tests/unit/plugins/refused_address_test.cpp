// SPDX-License-Identifier: Apache-2.0
#include "common/refused_address.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <standpipe/plugin.hpp>

namespace {

// Whether it is tried again, and what is said.
std::pair<bool, std::string> refusal_of(int error) {
  try {
    common::throw_refused_address(error, "cannot connect to X: it says so", "urls");
  } catch (const standpipe::fatal& refused) {
    return {false, refused.what()};
  } catch (const standpipe::disconnected& refused) {
    return {true, refused.what()};
  }
}

}  // namespace

TEST_CASE("an address that may be had later is tried again") {
  CHECK(refusal_of(EADDRINUSE) ==
        std::pair(true, std::string("cannot connect to X: it says so; another program uses it")));
  for (const int error : {EADDRNOTAVAIL, ENODEV}) CHECK(refusal_of(error).first);
}

TEST_CASE("an address that is wrong holds the handler, and the reason says where to correct it") {
  for (const int error : {EACCES, ENOENT, EINVAL}) CHECK_FALSE(refusal_of(error).first);
  CHECK(
      refusal_of(EACCES).second.ends_with("choose a port above 1023, or a folder that may be "
                                          "written"));
  CHECK(refusal_of(ENOENT).second.ends_with("; the folder of the path does not exist"));
  CHECK(refusal_of(EINVAL).second.ends_with("; urls has it"));
}
