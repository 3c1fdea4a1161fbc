// SPDX-License-Identifier: Apache-2.0
#include <standpipe/client.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

std::string member(std::string_view object, const char* name) {
  standpipe_text value{};
  const int found = standpipe_json_member({object.data(), object.size()}, name, &value);
  if (found < 0) return "(no object)";
  return found ? std::string(value.data, value.size) : "(none)";
}

std::string with(std::string_view object, std::string_view members) {
  std::size_t size = 0;
  char* whole =
      standpipe_json_with({object.data(), object.size()}, {members.data(), members.size()}, &size);
  if (!whole) return "(no object)";
  std::string text(whole, size);
  std::free(whole);
  return text;
}

// In the place of hub and service: answers so many requests as `answer` says.
struct Service {
  test::TemporaryFolder folder;
  Receiver requests{folder / "requests"};
  std::string replies = folder / "replies";

  using Answer = std::function<void(const std::string& request, Sender& to)>;
  std::thread start(int count, Answer answer) {
    return std::thread([this, count, answer = std::move(answer)] {
      for (int i = 0; i < count; ++i) {
        const std::string request(requests.receive(10s).value());
        const auto name = member(request, "reply_to");
        Sender to(replies + "/" + name.substr(1, name.size() - 2), 1s);
        answer(request, to);
      }
    });
  }
};

std::errc error_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const std::system_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return {};
}

std::size_t entries(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    count += !entry.path().empty();
  return count;
}

}  // namespace

TEST_CASE("a member of an object is found as it is written") {
  CHECK(member(R"({"id":"a\"b","n":1})", "id") == R"("a\"b")");
  CHECK(member(R"( { "n" : 1.5 , "id" : {"id":[1,"}"]} } )", "id") == R"({"id":[1,"}"]})");
  CHECK(member(R"({"n":1.5 ,"id":2})", "n") == "1.5");
  CHECK(member(R"({"in":{"id":1},"id":2})", "id") == "2");
  CHECK(member(R"({"id":1,"id":2})", "id") == "2");
  CHECK(member(R"({"x":"id","y":["id"]})", "id") == "(none)");
  CHECK(member("{}", "id") == "(none)");
}

TEST_CASE("what is no object, or ends too early, has no members") {
  for (const auto* text : {"", "  ", "[1]", "\"id\"", "{", "{\"id\"", "{\"id\":", "{\"id\":1",
                           "{\"id\":\"", "{id:1}", "{\"id\" 1}", "{\"id\":\"\\"})
    CHECK(member(text, "id") == "(no object)");
}

TEST_CASE("members are added to the end of an object") {
  CHECK(with("{}", R"("a":1)") == R"({"a":1})");
  CHECK(with(" { } \n", R"("a":1)") == R"({ "a":1})");
  CHECK(with(R"({"b":2})", R"("a":1)") == R"({"b":2,"a":1})");
  for (const auto* text : {"", "[1]", "{", "1"}) CHECK(with(text, R"("a":1)") == "(no object)");
}

TEST_CASE("a request gets its reply, and the requester leaves nothing behind") {
  Service s;
  auto service = s.start(2, [](const std::string& request, Sender& to) {
    reply(to, request, R"({"twice":)" + std::to_string(2 * std::stoi(member(request, "n"))) + "}");
  });
  {
    Requester requester(s.folder / "requests", s.replies, 1s);
    CHECK(member(requester.request(R"({"n":6})", 5s).value(), "twice") == "12");
    CHECK(member(requester.request(R"({"n":21})", 5s).value(), "twice") == "42");
    CHECK(entries(s.replies) == 1);
  }
  service.join();
  CHECK(entries(s.replies) == 0);
  CHECK((std::filesystem::status(s.replies).permissions() == std::filesystem::perms::owner_all));
}

TEST_CASE("a reply that comes too late is not taken for the next one") {
  Service s;
  std::string first;
  auto service = s.start(2, [&](const std::string& request, Sender& to) {
    if (first.empty()) {
      first = request;
      return;
    }
    reply(to, first, R"({"to":"the first"})");
    reply(to, request, R"({"to":"the second"})");
  });
  Requester requester(s.folder / "requests", s.replies, 1s);
  CHECK(!requester.request("{}", 50ms));
  CHECK(member(requester.request("{}", 5s).value(), "to") == R"("the second")");
  CHECK(requester.late() == 1);
  service.join();
}

TEST_CASE("a request that is no object, or that nobody can get, is said") {
  Service s;
  Requester requester(s.folder / "requests", s.replies, 1s);
  CHECK(error_of([&] { (void)requester.request("6", 1s); }) == std::errc::invalid_argument);
  CHECK(error_of([&] { Requester(s.folder / "nothing", s.replies, 20ms); }) ==
        std::errc::timed_out);
  CHECK(entries(s.replies) == 1);  // that one left nothing
  Sender out(s.folder / "requests", 1s);
  CHECK(error_of([&] { reply(out, R"({"id":1})", "{}"); }) == std::errc::no_message);
  CHECK(error_of([&] { reply(out, R"({"reply_to":"x"})", "6"); }) == std::errc::invalid_argument);
}

TEST_CASE("a folder where everybody may replace a FIFO is refused") {
  Service s;
  std::filesystem::create_directory(s.replies);
  ::chmod(s.replies.c_str(), 0777);
  CHECK(error_of([&] { Requester(s.folder / "requests", s.replies, 1s); }) ==
        std::errc::operation_not_permitted);
  ::chmod(s.replies.c_str(), 01777);
  CHECK(error_of([&] { Requester(s.folder / "requests", s.replies, 1s); }) == std::errc{});
}

TEST_CASE("FIFOs that a killed requester left are removed, and no others") {
  Service s;
  std::filesystem::create_directory(s.replies);
  const auto path = [&](char c) { return s.replies + "/" + std::string(32, c); };
  for (const char c : {'a', 'b', 'g'}) REQUIRE(::mkfifo(path(c).c_str(), 0600) == 0);
  const Receiver alive(path('b'));
  const int folder = ::open(s.replies.c_str(), O_RDONLY | O_DIRECTORY);
  const auto tidy = [&] {
    for (const char c : {'a', 'b', 'g'})
      standpipe_requester_remove_litter(folder, std::string(32, c).c_str());
    return entries(s.replies);
  };
  CHECK(tidy() == 3);  // all are new
  CHECK(standpipe_requester_is_litter(folder, std::string(32, 'a').c_str(), 0));
  CHECK(!standpipe_requester_is_litter(folder, std::string(32, 'b').c_str(), 0));
  CHECK(!standpipe_requester_is_litter(folder, std::string(32, 'g').c_str(), 0));
  ::close(folder);
}
