// SPDX-License-Identifier: Apache-2.0
#include "control/client.h"

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "control/listener.h"
#include "control/serving.h"

using namespace kit;
using Catch::Matchers::Message;
using control::Client;
using control::Listener;

namespace {

// Something that listens and answers as it likes.
class Pretender {
 public:
  std::string path() const { return listener_.path(); }
  void say(std::string_view bytes) {
    const Fd peer(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    (void)!::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  test::TemporaryFolder folder_;
  Listener listener_ = Listener::at(folder_ / "control").value();
};

}  // namespace

TEST_CASE("where nobody listens there is no hub, and that is no failure") {
  const test::TemporaryFolder folder;
  CHECK_FALSE(Client::connect(folder / "control"));
  CHECK_FALSE(Client::connect(folder / "no/control"));
  Listener::at(folder / "control").value().leave_file();
  CHECK_FALSE(Client::connect(folder / "control"));
}

TEST_CASE("an answer that is truncated is not taken for a whole one") {
  for (const auto* reported : {"ok 10\nonly five", "ok 3", "", "HTTP/1.1 400\n", "ok 3\nfour"}) {
    Pretender hub;
    auto client = Client::connect(hub.path()).value();
    hub.say(reported);
    CHECK_THROWS_MATCHES(client.ask("stats"), Failure,
                         Message("the answer of the hub at " + hub.path() +
                                 " is not whole: it ended meanwhile, or is no hub"));
  }
}

TEST_CASE("a hub that stands still is not waited for without an end") {
  const Pretender hub;
  auto client = Client::connect(hub.path(), 30ms).value();
  CHECK_THROWS_MATCHES(client.ask("stats"), Failure,
                       Message("the hub at " + hub.path() +
                               " does not answer within 30ms: its loop waits, perhaps for a "
                               "plugin's call that does not come back"));
}

TEST_CASE("a refusal comes with what to do about it") {
  const Serving hub;
  auto client = Client::connect(hub.path()).value();
  try {
    (void)client.ask("fail");
    FAIL("it was not refused");
  } catch (const Failure& failure) {
    CHECK(failure.what() == std::string("this cannot be done"));
    CHECK(failure.help() == "do that");
  }
}
