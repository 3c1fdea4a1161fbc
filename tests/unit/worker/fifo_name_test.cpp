// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_name.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

// As the hub does on its timer: whoever finds the name gone takes a turn to see whether all was
// read.
void patrol(FifoSources& f) {
  if (f.sources[0]->feed.name().is_reachable()) return;
  f.sources[0]->feed.stream().read_to_end();
  f.accept();
}

bool is_serving(const FifoSources& f) {
  return f.sources[0]->state().kind == worker::SourceState::Kind::serving;
}

}  // namespace

TEST_CASE("a FIFO that is removed while nobody writes is found, reported once, and made again") {
  FifoSources f;
  patrol(f);
  CHECK(is_serving(f));
  ::unlink(f.path().c_str());
  patrol(f);
  CHECK_FALSE(is_serving(f));
  CHECK(f.sources[0]->state().reason.find("was removed") != std::string::npos);
  REQUIRE(f.sources[0]->feed.name().wants_fifo());
  patrol(f);
  CHECK(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].code == "fifo-gone");
  f.sources[0]->feed.name().reopen();
  CHECK(is_serving(f));
  Writer writer(f.path());
  writer.write(framed("by the new one"));
  f.accept();
  CHECK(f.take() == Payloads{"by the new one"});
}

TEST_CASE(
    "what lies in a FIFO that was replaced is read first, and writers that have it open are served "
    "until they close") {
  FifoSources f;
  {
    Writer old(f.path());
    old.write(framed("one"));
    ::unlink(f.path().c_str());
    REQUIRE(::mkfifo(f.path().c_str(), 0600) == 0);
    patrol(f);
    CHECK(f.take() == Payloads{"one"});
    CHECK_FALSE(f.sources[0]->feed.name().wants_fifo());
    CHECK(f.sources[0]->state().reason.find("replaced by another FIFO") != std::string::npos);
    old.write(framed("two"));
    patrol(f);
    CHECK(f.take() == Payloads{"two"});
    CHECK_FALSE(f.sources[0]->feed.name().wants_fifo());
  }
  f.writers_left();
  REQUIRE(f.sources[0]->feed.name().wants_fifo());
  f.sources[0]->feed.name().reopen();
  Writer writer(f.path());
  writer.write(framed("three"));
  f.accept();
  CHECK(f.take() == Payloads{"three"});
}

TEST_CASE("a file in the FIFO's place is reported once, with the remedy, until it is gone") {
  FifoSources f;
  ::unlink(f.path().c_str());
  { const Fd file(::open(f.path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
  patrol(f);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(f.sources[0]->feed.name().wants_fifo());
    try {
      f.sources[0]->feed.name().reopen();
      FAIL("a file was taken for a FIFO");
    } catch (const Failure& failure) {
      f.sources[0]->feed.name().cannot_reopen(failure);
    }
    patrol(f);
  }
  REQUIRE(f.reporter.reported.size() == 2);
  CHECK(f.reporter.reported[1].code == "source");
  CHECK(f.sources[0]->state().reason.find("is a regular file, not a FIFO") != std::string::npos);
  ::unlink(f.path().c_str());
  f.sources[0]->feed.name().reopen();
  CHECK(is_serving(f));
}

TEST_CASE("a FIFO that is moved away and back is the same one, and continues") {
  FifoSources f;
  const auto aside = f.path() + ".aside";
  Writer writer(f.path());
  REQUIRE(::rename(f.path().c_str(), aside.c_str()) == 0);
  patrol(f);
  CHECK_FALSE(is_serving(f));
  REQUIRE(::rename(aside.c_str(), f.path().c_str()) == 0);
  patrol(f);
  CHECK(is_serving(f));
  writer.write(framed("still here"));
  f.accept();
  CHECK(f.take() == Payloads{"still here"});
}
