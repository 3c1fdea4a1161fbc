// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_page.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "deliver/batch_view.h"
#include "deliver/one_handler.h"

using namespace standpipe;
using deliver::CallKind;
using deliver::SharedCallPage;

TEST_CASE("a batch is the same in the page, wherever the memory of messages is mapped") {
  test::OneHandler one{"first", "second"};
  one.batch.delivery().comes_from("/run/in");
  SharedCallPage page;
  page->write_request({.kind = CallKind::handle,
                       .batch = &one.batch,
                       .terms = {.deadline = Nanoseconds(7), .safe_until = 5},
                       .resume = "at 3"},
                      true);
  CHECK(page->kind == CallKind::handle);
  CHECK(page->creates == 1);
  CHECK(page->terms.deadline == Nanoseconds(7));
  CHECK(page->terms.safe_until == 5);
  CHECK(page->resume_text() == "at 3");
  const auto& memory = one.one.memory;
  const auto bytes = memory.arena().size();
  void* elsewhere = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, memory.fd(),
                           static_cast<off_t>(memory.arena_offset()));
  REQUIRE(elsewhere != MAP_FAILED);
  const auto parts = page->batch(static_cast<const std::byte*>(elsewhere));
  deliver::BatchView view;
  const auto batch = view.make(parts.frames, parts.stretches, parts.memory, parts.attempt,
                               parts.source, parts.fifo);
  REQUIRE(batch.count == 2);
  CHECK(std::string(batch.source.data, batch.source.size) == "in");
  REQUIRE(batch.source_meta_count == 1);
  CHECK(std::string(batch.source_meta->value.data, batch.source_meta->value.size) == "/run/in");
  CHECK(std::memcmp(batch.messages->data, "first", 5) == 0);
  CHECK(batch.messages->sequence == one.batch.sequence(0));
  ::munmap(elsewhere, bytes);
}

TEST_CASE("what the child wrote outlives its worker, and another has it by the file") {
  SharedCallPage page;
  page->flight.code = STANDPIPE_DISCONNECTED;
  page->write_answer({STANDPIPE_DISCONNECTED, "db down"});
  const SharedCallPage later(Fd(::dup(page.fd())));
  CHECK(later->flight.code == STANDPIPE_DISCONNECTED);
  CHECK(later->read_answer().code == STANDPIPE_DISCONNECTED);
  CHECK(later->read_answer().reason == "db down");
}

TEST_CASE(
    "an answer that no plugin gives becomes one that holds the handler, and is fit to print") {
  SharedCallPage page;
  page->answer_code = 77;
  page->answer_bytes = 0xffffffff;
  std::memset(page->answer, '\x1b', sizeof page->answer);
  const auto answer = page->read_answer();
  CHECK(answer.code == STANDPIPE_FATAL);
  CHECK(answer.reason.starts_with("\\x1b\\x1b"));
  CHECK(answer.reason.size() == 4 * sizeof page->answer);
}

TEST_CASE("a reason that was escaped is not escaped again") {
  SharedCallPage page;
  page->write_answer({STANDPIPE_FATAL, "a\\nb"});
  CHECK(page->read_answer().reason == "a\\nb");
}

TEST_CASE("a file of another size is no page") {
  Fd file(::memfd_create("page", MFD_CLOEXEC));
  REQUIRE(::ftruncate(file.get(), 100) == 0);
  CHECK_THROWS_AS(SharedCallPage(std::move(file)), Failure);
}

TEST_CASE("a child cannot make the page shorter under its worker") {
  SharedCallPage page;
  CHECK(::ftruncate(page.fd(), 0) != 0);
  CHECK(::ftruncate(page.fd(), sizeof(deliver::CallPage) * 2) != 0);
  page->kind = CallKind::handle;
}
