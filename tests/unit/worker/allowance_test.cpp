// SPDX-License-Identifier: Apache-2.0
#include "worker/allowance.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE(
    "a stopping source takes what waited and the rest of the frame it ends in, and all else at its "
    "end") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("waits") + header(10) + "01234");
  f.sources[0]->feed.begin_stop();
  f.accept();
  CHECK_FALSE(f.sources[0]->feed.stopped());
  writer.write("56789" + framed("later"));
  f.accept();
  CHECK(f.sources[0]->feed.stopped());
  CHECK(f.take() == Payloads{"waits", "0123456789"});
  f.accept_last();
  CHECK(f.sources[0]->feed.is_sealed());
  CHECK(f.take() == Payloads{"later"});
}

TEST_CASE("a stopping source completes a frame of whose length it has a part") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(header(3).substr(0, 2));
  f.sources[0]->feed.begin_stop();
  f.accept();
  writer.write(header(3).substr(2) + "abc" + framed("no"));
  f.accept();
  CHECK(f.take() == Payloads{"abc"});
  CHECK(f.sources[0]->feed.stopped());
}

TEST_CASE("while a stopping hub only closes, a source is read as far as its log has room") {
  FifoSources f;
  Writer writer(f.path());
  f.sources[0]->feed.begin_stop();
  f.accept();
  CHECK(f.sources[0]->feed.stopped());
  f.sources[0]->feed.read_on();
  writer.write(framed("comes"));
  f.accept();
  CHECK(f.take() == Payloads{"comes"});
}

TEST_CASE("a source that does not stop takes whatever there is room for") {
  const worker::Allowance allowance;
  CHECK(allowance.may_read());
  CHECK_FALSE(allowance.is_bounded());
  CHECK(allowance.most(100, 7, 12) == 100);
}

TEST_CASE(
    "of what comes after what waited, only the rest of the frame in which that ends is taken") {
  worker::Allowance allowance;
  allowance.begin(10);
  CHECK(allowance.most(100, 0, 0) == 10);
  CHECK(allowance.most(4, 0, 0) == 4);
  allowance.take(10);
  allowance.after_turn(3, true);
  CHECK_FALSE(allowance.spent());
  CHECK(allowance.most(100, 3, 0) == 1);  // its length is not known yet
  CHECK(allowance.most(100, 4, 12) == 8);
  allowance.after_turn(0, true);
  CHECK(allowance.spent());
  CHECK_FALSE(allowance.may_read());
}

TEST_CASE("an empty FIFO ends what a stopping source takes, but not inside a frame") {
  worker::Allowance allowance;
  allowance.begin(10);
  allowance.take(5);
  allowance.after_turn(2, false);
  CHECK_FALSE(allowance.spent());
  allowance.after_turn(0, false);
  CHECK(allowance.spent());
}

TEST_CASE("who reads on has stopped and reads, until it is closed") {
  worker::Allowance allowance;
  allowance.begin(10);
  allowance.read_on();
  CHECK(allowance.spent());
  CHECK(allowance.may_read());
  CHECK(allowance.most(100, 0, 0) == 100);
  allowance.close();
  CHECK_FALSE(allowance.may_read());
}
