// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_services.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace standpipe;
using deliver::changes_outputs;
using deliver::serve_child;
using deliver::Service;
using deliver::ServiceRequest;

namespace {

// Writes down what it is asked for.
class Host final : public plugin::HostServices {
 public:
  void log(std::uint32_t level, std::string_view text) override {
    asked.push_back("log " + std::to_string(level) + ' ' + std::string(text));
  }
  std::uint64_t now() override { return 0; }
  bool stopping() override { return false; }
  std::uint32_t add_fifo(const plugin::FifoOutputRequest& r, std::string& why) override {
    asked.push_back("fifo " + r.path + ' ' + std::to_string(r.mode) + (r.create ? " create" : "") +
                    (r.resend ? " resend" : "") + (r.trust_others ? " trust" : "") +
                    (r.mode_given ? " given" : ""));
    why = "no room";
    return 0;
  }
  std::uint32_t add_file(const plugin::FileOutputRequest& r, std::string&) override {
    asked.push_back("file " + r.path + ' ' + std::to_string(r.sync.count()));
    return 4;
  }
  bool send_all(std::uint32_t output) override { return output == 1; }
  bool send_all_until(std::uint32_t output, std::uint64_t bytes, std::uint64_t time) override {
    return output == 1 && bytes == 2 && time == 3;
  }
  void settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
              std::string_view why) override {
    asked.push_back("settle " + std::to_string(ticket) + ' ' + std::to_string(first) + ' ' +
                    std::to_string(count) + ' ' + std::to_string(outcome) + ' ' + std::string(why));
  }
  std::vector<std::string> asked;
};

using Asked = std::vector<std::string>;

}  // namespace

TEST_CASE("a line of the log has no answer, and cannot rewrite a terminal") {
  Host host;
  CHECK_FALSE(serve_child({.service = Service::log, .number = 2, .text = "a\x1b[2Jb\\n"}, host));
  CHECK(host.asked == Asked{"log 2 a\\x1b[2Jb\\n"});
  CHECK_FALSE(changes_outputs(Service::log));
}

TEST_CASE("what a plugin asks for comes to the host as it was asked, and the answer goes back") {
  Host host;
  const auto fifo = serve_child({.service = Service::add_fifo,
                                 .mode = 0620,
                                 .flags = ServiceRequest::create | ServiceRequest::mode_given,
                                 .text = "/run/out"},
                                host);
  REQUIRE(fifo);
  CHECK(fifo->number == 0);
  CHECK(fifo->why == "no room");
  const auto file =
      serve_child({.service = Service::add_file, .time_ns = 5, .text = "/var/a"}, host);
  CHECK(file->number == 4);
  CHECK(host.asked == Asked{"fifo /run/out 400 create given", "file /var/a 5"});
  CHECK(serve_child({.service = Service::send_all, .number = 1}, host)->number == 1);
  CHECK(serve_child({.service = Service::send_all, .number = 2}, host)->number == 0);
  CHECK(
      serve_child({.service = Service::send_all_until, .number = 1, .bytes = 2, .time_ns = 3}, host)
          ->number == 1);
  CHECK(changes_outputs(Service::add_file));
}

TEST_CASE("what is settled later has no answer, and may come while outputs are looked at") {
  Host host;
  CHECK_FALSE(serve_child({.service = Service::settle,
                           .number = STANDPIPE_RETRY,
                           .mode = 5,
                           .flags = 6,
                           .bytes = 7,
                           .text = "a\x1b"},
                          host));
  CHECK(host.asked == Asked{"settle 7 5 6 1 a\\x1b"});
  CHECK_FALSE(changes_outputs(Service::settle));
}
