// SPDX-License-Identifier: Apache-2.0
#include "cli/conformance_report.h"

#include <catch2/catch.hpp>

#include "console.h"

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;
using conformance::Verdict;

namespace {

const conformance::Check kMany{"many", "handles many messages", "", "make room", nullptr};

// One check of each kind.
void tell_all(ConformanceReport& report) {
  report.begin("/lib/shout.so", 7);
  report.tell({&kMany, {Verdict::Kind::passed, "", ""}, 2ms});
  report.tell({&kMany, {Verdict::Kind::failed, "it crashed\x1b", "last\nwords"}, 3ms});
  report.tell({&kMany, {Verdict::Kind::not_run, "`opens` did not pass", ""}, 0ms});
  report.end({.passed = 1, .failed = 1, .not_run = 1, .took = 5ms});
}

}  // namespace

TEST_CASE("people see what holds, what does not and why, and the way out") {
  kit::Console c;
  tell_all(*conformance_text(c.streams.out));
  c.streams.out.flush();
  CHECK(c.out() ==
        "/lib/shout.so, --seed 7\n"
        "PASS  many             handles many messages\n"
        "FAIL  many             handles many messages\n"
        "      it crashed\\x1b\n"
        "      help: make room\n"
        "      it wrote:\n"
        "        last\n"
        "        words\n"
        "----  many             handles many messages\n"
        "      not run: `opens` did not pass\n"
        "1 passed, 1 failed, 1 not run (5 ms)\n");
}

TEST_CASE("programs get an object a line, the last one with the sum") {
  kit::Console c;
  tell_all(*conformance_json(c.streams.out));
  c.streams.out.flush();
  CHECK(c.out() ==
        "{\"file\":\"/lib/shout.so\",\"seed\":7}\n"
        "{\"check\":\"many\",\"summary\":\"handles many messages\",\"result\":\"passed\","
        "\"seconds\":0.002000}\n"
        "{\"check\":\"many\",\"summary\":\"handles many messages\",\"result\":\"failed\","
        "\"seconds\":0.003000,\"reason\":\"it crashed\\u001b\",\"help\":\"make room\","
        "\"output\":\"last\\nwords\"}\n"
        "{\"check\":\"many\",\"summary\":\"handles many messages\",\"result\":\"not run\","
        "\"seconds\":0.000000,\"reason\":\"`opens` did not pass\"}\n"
        "{\"ok\":false,\"passed\":1,\"failed\":1,\"not_run\":1,\"seconds\":0.005000}\n");
}
