// SPDX-License-Identifier: Apache-2.0
#include "keeper/store.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;
using namespace standpipe::keeper;

TEST_CASE("no more than so many names are kept, and those that are can be replaced") {
  Store store;
  std::size_t kept = 0;
  while (kept <= Store::kNamesMax && store.keep(std::to_string(kept), Fd())) ++kept;
  CHECK(kept == Store::kNamesMax);
  CHECK(store.keep("0", Fd()));
  CHECK_FALSE(store.keep("one more", Fd()));
  store.forget("0");
  CHECK(store.keep("one more", Fd()));
}
