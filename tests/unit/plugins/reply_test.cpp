// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <standpipe/client.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "kit.h"
#include "temporary_folder.h"

using namespace std::chrono_literals;

namespace {

struct Desk {
  test::TemporaryFolder folder;
  kit::Host host;
  kit::Options options = {{"fifo", folder / "{json:/reply_to}"}, {"wait", "300ms"}};
  std::unique_ptr<kit::Handler> reply;

  explicit Desk(const kit::Options& more = {}) {
    for (const auto& [name, value] : more) options[name] = value;
    reply = std::make_unique<kit::Handler>(kit::load("reply"), host, options);
    REQUIRE(reply->created.ok());
    REQUIRE(reply->open().ok());
  }
  // Of how one reply of that size ended, as far as that is known yet.
  std::uint8_t send(const std::string& to, std::size_t size = 0) {
    last = reply->handle({message(to, size)});
    return last.outcomes.at(0);
  }
  static std::string message(const std::string& to, std::size_t size = 0) {
    auto text = R"({"reply_to":")" + to + R"(")";
    if (text.size() + 7 < size)
      text += R"(,"x":")" + std::string(size - text.size() - 8, 'x') + '"';
    return text + "}";
  }
  // Fills the client's FIFO, and returns how many replies are in it.
  int fill(const std::string& to, std::size_t size) {
    int sent = 0;
    while (send(to, size) == STANDPIPE_DELIVERED) ++sent;
    return sent;
  }
  std::string path(const std::string& client) const { return folder / client; }
  kit::Answer last;
};

std::string text(standpipe::Receiver& receiver) {
  const auto message = receiver.receive(5s);
  return message ? std::string(*message) : "(nothing)";
}

std::string refusal(const std::string& fifo) {
  kit::Host host;
  return kit::Handler(kit::load("reply"), host, {{"fifo", fifo}}).created.reason;
}

}  // namespace

TEST_CASE("a reply goes to the client that it names, and to no other") {
  Desk desk;
  standpipe::Receiver a(desk.path("a")), b(desk.path("b"));
  for (const auto* to : {"b", "a", "b"}) CHECK(desk.send(to) == STANDPIPE_DELIVERED);
  CHECK(text(a) == Desk::message("a"));
  for (int i = 0; i < 2; ++i) CHECK(text(b) == Desk::message("b"));
  CHECK((!a.receive(0ms) && !b.receive(0ms)));
}

TEST_CASE("metadata can name the client") {
  const test::TemporaryFolder folder;
  kit::Host host;
  kit::Handler reply(kit::load("reply"), host, {{"fifo", folder / "{source}-{meta:to|nobody}"}});
  REQUIRE(reply.open().ok());
  standpipe::Receiver a(folder / "desk-a"), nobody(folder / "desk-nobody");
  kit::Message to_a{"one"};
  to_a.meta = {{"to", "a"}};
  CHECK(reply.handle_messages({to_a, {"two"}}, "desk").all(STANDPIPE_DELIVERED));
  CHECK((text(a) == "one" && text(nobody) == "two"));
}

TEST_CASE("a reply that nobody can get is dropped, or dead-lettered with the reason") {
  const bool keeps = GENERATE(false, true);
  Desk desk(kit::Options{{"when_gone", keeps ? "dead_letter" : "drop"}});
  const auto otherwise = keeps ? STANDPIPE_REJECT : STANDPIPE_FILTERED;
  REQUIRE(::mkfifo(desk.path("alone").c_str(), 0600) == 0);
  std::filesystem::create_directory(desk.path("folder"));
  std::filesystem::create_symlink(desk.path("alone"), desk.path("link"));
  const auto why = [&] { return keeps ? desk.last.reasons.at(0) : ""; };
  const auto wanted = [&](const std::string& text) { return keeps ? text : ""; };
  CHECK(desk.send("nobody") == otherwise);
  CHECK(why() == wanted(desk.path("nobody") + " does not exist"));
  CHECK(desk.send("alone") == otherwise);
  CHECK(why() == wanted("nobody reads " + desk.path("alone")));
  CHECK(desk.send("folder") == otherwise);
  CHECK(why() == wanted(desk.path("folder") + " is not a FIFO"));
  const standpipe::Receiver reads(desk.path("alone"));
  CHECK(desk.send("link") == otherwise);
  CHECK(why().find(wanted("is a symbolic link")) != std::string::npos);
}

TEST_CASE("a message that names no FIFO is rejected, and nothing leaves the folder") {
  const test::TemporaryFolder folder;
  kit::Host host;
  const auto inner = folder / "inner";
  std::filesystem::create_directory(inner);
  standpipe::Receiver outside(folder / "outside");
  kit::Handler reply(kit::load("reply"), host, {{"fifo", inner + "/{json:/reply_to}"}});
  REQUIRE(reply.open().ok());
  const std::string names = "it names no FIFO: ";
  const std::string is_none =
      names + "what it has for {json:/reply_to} in fifo is not the name of a file in a folder";
  const std::vector<std::string> names_of_none = {
      "../outside", ".", "..", "a/b", ".hidden", "a%2Fb", "\\u0000", std::string(256, 'x')};
  for (const auto& name : names_of_none) {
    const auto answer = reply.handle({Desk::message(name)});
    CHECK(answer.outcomes.at(0) == STANDPIPE_REJECT);
    CHECK(answer.reasons.at(0) == is_none);
  }
  const auto answer = reply.handle({"{}", "text", Desk::message("")});
  CHECK(answer.all(STANDPIPE_REJECT));
  CHECK(answer.reasons.at(1).starts_with(names + "its payload is no JSON"));
  CHECK(answer.reasons.at(2) == names + "what it has for {json:/reply_to} in fifo is empty");
  CHECK(!outside.receive(0ms));
}

TEST_CASE("a client that reads slowly gets all of its replies in order, and nobody waits for it") {
  Desk desk(kit::Options{{"wait", "10s"}});
  standpipe::Receiver slow(desk.path("slow")), quick(desk.path("quick"));
  const int in_it = desk.fill("slow", 4000);
  CHECK(in_it > 10);
  std::size_t taken = 1;
  for (const std::size_t size : {100, 5000, 200'000, 0}) {
    CHECK(desk.send("slow", size) == STANDPIPE_TAKEN);
    ++taken;
    CHECK(desk.send("quick") == STANDPIPE_DELIVERED);
    CHECK(text(quick) == Desk::message("quick"));
  }
  for (int i = 0; i <= in_it; ++i) CHECK(text(slow) == Desk::message("slow", 4000));
  for (const std::size_t size : {100, 5000, 200'000, 0})
    CHECK(text(slow) == Desk::message("slow", size));
  REQUIRE(desk.host.wait_for_settlements(taken));
  for (const auto& settled : desk.host.settlements) CHECK(settled.outcome == STANDPIPE_DELIVERED);
  CHECK(desk.send("slow") == STANDPIPE_DELIVERED);
}

TEST_CASE("a client that takes nothing loses its replies after `wait`, with the reason") {
  Desk desk(kit::Options{{"when_gone", "dead_letter"}});
  const standpipe::Receiver stuck(desk.path("stuck"));
  desk.fill("stuck", 4000);
  desk.send("stuck", 4000);
  REQUIRE(desk.host.wait_for_settlements(2));
  for (const auto& settled : desk.host.settlements) {
    CHECK(settled.outcome == STANDPIPE_REJECT);
    CHECK(settled.reason == desk.path("stuck") + " was full for as long as `wait` says");
  }
}

TEST_CASE("a client that dies with replies on the way settles them at once") {
  Desk desk(kit::Options{{"wait", "1h"}});
  auto client = std::make_unique<standpipe::Receiver>(desk.path("client"));
  desk.fill("client", 4000);
  CHECK(desk.send("client", 100'000) == STANDPIPE_TAKEN);
  client.reset();
  REQUIRE(desk.host.wait_for_settlements(2));
  for (const auto& settled : desk.host.settlements) CHECK(settled.outcome == STANDPIPE_FILTERED);
  CHECK(desk.send("client") == STANDPIPE_FILTERED);
}

TEST_CASE("a FIFO that was removed and made again is found") {
  Desk desk;
  auto client = std::make_unique<standpipe::Receiver>(desk.path("client"));
  CHECK(desk.send("client") == STANDPIPE_DELIVERED);
  std::filesystem::remove(desk.path("client"));
  CHECK(desk.send("client") == STANDPIPE_FILTERED);  // though the old one is still open
  const standpipe::Receiver again(desk.path("client"));
  CHECK(desk.send("client") == STANDPIPE_DELIVERED);
  client = std::make_unique<standpipe::Receiver>(desk.path("other"));
  std::filesystem::rename(desk.path("other"), desk.path("client"));
  std::this_thread::sleep_for(1100ms);
  CHECK(desk.send("client") == STANDPIPE_DELIVERED);
  CHECK(text(*client) == Desk::message("client"));
}

TEST_CASE("a reader that comes back to its FIFO is found") {
  Desk desk;
  auto client = std::make_unique<standpipe::Receiver>(desk.path("client"));
  CHECK(desk.send("client") == STANDPIPE_DELIVERED);
  client.reset();
  client = std::make_unique<standpipe::Receiver>(desk.path("client"));
  CHECK(desk.send("client", 50) == STANDPIPE_DELIVERED);
  CHECK(text(*client) == Desk::message("client"));  // what the first one left
  CHECK(text(*client) == Desk::message("client", 50));
}

TEST_CASE("many clients share few open FIFOs") {
  Desk desk(kit::Options{{"max_open_fifos", "3"}});
  std::vector<std::unique_ptr<standpipe::Receiver>> clients;
  for (int i = 0; i < 10; ++i)
    clients.push_back(std::make_unique<standpipe::Receiver>(desk.path(std::to_string(i))));
  const auto open_now = [] {
    std::size_t count = 0;
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
      count += !fd.path().empty();
    return count;
  };
  CHECK(desk.send("0") == STANDPIPE_DELIVERED);
  const auto before = open_now();
  for (int turn = 0; turn < 3; ++turn)
    for (int i = 0; i < 10; ++i) CHECK(desk.send(std::to_string(i)) == STANDPIPE_DELIVERED);
  CHECK(open_now() == before + 2);
  for (int i = 0; i < 10; ++i)
    CHECK(text(*clients[static_cast<std::size_t>(i)]) == Desk::message(std::to_string(i)));
}

TEST_CASE("when too much waits, the client that makes it wait loses its replies, and no other") {
  Desk desk(kit::Options{{"wait", "10s"}, {"max_waiting", "20KiB"}, {"when_gone", "dead_letter"}});
  const standpipe::Receiver hog(desk.path("hog"));
  standpipe::Receiver modest(desk.path("modest"));
  const int in_it = desk.fill("modest", 4000);
  desk.fill("hog", 4000);
  for (int i = 0; i < 3; ++i) CHECK(desk.send("hog", 4000) == STANDPIPE_TAKEN);
  CHECK(desk.send("hog", 4000) == STANDPIPE_REJECT);  // it would be the largest itself
  CHECK(desk.last.reasons.at(0) ==
        desk.path("hog") + " is full, and no more replies can wait (max_waiting)");
  CHECK(desk.send("modest", 4000) == STANDPIPE_TAKEN);
  for (int i = 0; i < in_it + 2; ++i) CHECK(text(modest) == Desk::message("modest", 4000));
  desk.reply->close();  // and its thread says no more
  CHECK(desk.host.settlements[0].reason ==
        "its client reads too slowly, and others wait as well (max_waiting)");
}

TEST_CASE("a writer that has the lock is waited for") {
  Desk desk(kit::Options{{"wait", "10s"}});
  standpipe::Receiver client(desk.path("client"));
  const int other = ::open(desk.path("client").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  CHECK(desk.send("client") == STANDPIPE_TAKEN);
  CHECK(!client.receive(50ms));
  ::close(other);
  CHECK(text(client) == Desk::message("client"));
  CHECK(desk.host.wait_for_settlements(1));
}

TEST_CASE("a flush waits for replies on the way, but not for ever") {
  Desk desk(kit::Options{{"wait", "10s"}});
  standpipe::Receiver client(desk.path("client"));
  desk.fill("client", 4000);
  CHECK(desk.reply->flush(50ms).ok());
  CHECK(desk.host.taken() == 1);
  std::thread reading([&] { (void)text(client); });
  CHECK(desk.reply->flush(5s).ok());
  reading.join();
  CHECK(desk.host.taken() == 0);
}

TEST_CASE("what waits when it is closed is not settled, and the router's again") {
  Desk desk(kit::Options{{"wait", "10s"}});
  const standpipe::Receiver client(desk.path("client"));
  desk.fill("client", 4000);
  desk.reply->close();
  CHECK(desk.host.settlements.empty());
  REQUIRE(desk.reply->open().ok());
  CHECK(desk.send("client", 4000) == STANDPIPE_TAKEN);
}

TEST_CASE("a template that no reply could be kept in a folder with is refused") {
  CHECK(refusal("/run/{json:/reply_to}/") ==
        "fifo: it ends in a slash, so it names a folder; add the name of a FIFO");
  CHECK(refusal("/run/{json:/reply_to|a/b}") ==
        "fifo: the default in {json:/reply_to|a/b} cannot be a name in a folder");
  CHECK(refusal("/run/{payload}").starts_with("fifo: "));
}

TEST_CASE("a folder that is not there yet is said") {
  Desk desk;
  kit::Host host;
  kit::Handler reply(kit::load("reply"), host, {{"fifo", desk.path("later") + "/{json:/to}"}});
  REQUIRE(reply.open().ok());
  CHECK(host.reported.at(0) == "warning: " + desk.path("later") +
                                   " does not exist yet, so no reply can be delivered there");
}
