// SPDX-License-Identifier: Apache-2.0
#include "deliver/prefetch.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/one_queue.h"

using namespace standpipe;
using test::framed;

namespace {

// One log and a stage before nobody's FIFO. Verbs: come (to the relay's pipe), add, send, staged.
class Fixture : public test::OneQueue {
 public:
  Fixture() { out.make(); }
  // The bytes lie in the relay's pipe; what lay there before has gone into the log.
  void come(const std::string& bytes) {
    deliver::discard_from(from.read_end.get(), 1 * MiB);
    REQUIRE(::write(from.write_end.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void add(bool all_written = true) { prefetch.add(*log, all_written, from, 1 * MiB); }
  // Bytes of an incomplete frame come into the log.
  void fill(const std::string& bytes) {
    const auto room = log->room(bytes.size());
    REQUIRE(room.size() >= bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    log->filled(bytes.size());
  }
  // The incomplete frame has come whole, and is sent.
  void send_whole(std::size_t bytes) {
    const std::uint64_t set = 1;
    const deliver::Range range{
        log->end(), {log->end().position + bytes, log->end().sequence + 1}, 1};
    REQUIRE(log->add_run(bytes, 1, 1, 1, {&set, 1}));
    ++delivery->edit_tally().matched;
    delivery->give_out(range);
    queue->push(*delivery, range, bytes);
    keeping->commit();
  }
  // All that would be pushed.
  std::string staged() const {
    std::string bytes(out.staged(), '\0');
    bytes.resize(static_cast<std::size_t>(::read(out.read_end(), bytes.data(), bytes.size())));
    return bytes;
  }

  Pipe from = Pipe::make(64 * KiB);
  deliver::Stage out{64 * KiB};
  deliver::Prefetch prefetch{out};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what was prefetched is committed when just that is asked for") {
  come(framed("one"));
  add();
  CHECK(out.prefetched() == framed("one").size());
  CHECK(prefetch.commit(*queue) == 0);  // not yet
  send("one");
  CHECK(prefetch.commit(*queue) == framed("one").size());
  CHECK(queue->written() == framed("one").size());
  CHECK_FALSE(queue->has_more_to_write());
  CHECK(staged() == framed("one"));
  CHECK(prefetch.take_committed() == framed("one").size());
  CHECK(prefetch.take_committed() == 0);
}

TEST_CASE_METHOD(Fixture, "a frame that came in part is committed as far as it came") {
  const auto frame = framed("a long message");
  come(frame.substr(0, 6));
  add();
  send("a long message");
  CHECK(prefetch.commit(*queue) == 6);
  CHECK(queue->writing().skip == 6);
  CHECK(queue->has_more_to_write());
}

TEST_CASE_METHOD(Fixture, "several turns are prefetched one after the other") {
  come(framed("one"));
  add();
  send("one");
  come(framed("two"));
  add(false);  // the first was not written yet, and lies in the stage
  send("two");
  CHECK(prefetch.commit(*queue) == stream.size());
  CHECK(staged() == stream);
}

TEST_CASE_METHOD(Fixture, "while older messages are to be written nothing is prefetched") {
  come(framed("two"));
  add(false);
  CHECK(out.prefetched() == 0);
}

TEST_CASE_METHOD(Fixture, "when other bytes are asked for, what was prefetched is dropped") {
  come(framed("one"));
  add();
  log->filled(log->room(0).empty() ? 0 : 3);  // an incomplete frame, which is dropped:
  log->drop_incomplete();                     // what follows the log's end is something else
  send("two");
  CHECK(prefetch.commit(*queue) == 0);
  CHECK(out.prefetched() == 0);
  CHECK(queue->written() == 0);
  CHECK(rest() == framed("two"));  // it is copied from the log
}

TEST_CASE_METHOD(Fixture, "the beginning of a frame that is in the log already is copied") {
  const auto frame = framed("a message in two parts");
  fill(frame.substr(0, 9));
  come(frame.substr(9));
  add();
  CHECK(out.prefetched() == frame.size());
  fill(frame.substr(9));
  send_whole(frame.size());
  CHECK(prefetch.commit(*queue) == frame.size());
  CHECK(staged() == frame);
}

TEST_CASE_METHOD(Fixture,
                 "what lies after bytes that are neither there nor few is not prefetched") {
  const std::string beginning(100 * KiB, 'x');
  fill(beginning);
  come("rest");
  add();
  CHECK(out.prefetched() == 0);
}

TEST_CASE_METHOD(Fixture, "dropping empties the stage, and its own bytes are written again") {
  send("one");
  CHECK(rest() == framed("one"));
  prefetch.drop(*queue);
  CHECK_FALSE(queue->has_more_to_write());  // nothing was prefetched
  come(framed("two"));
  add();
  prefetch.drop(*queue);
  CHECK(out.prefetched() == 0);
  CHECK(queue->has_more_to_write());
}
