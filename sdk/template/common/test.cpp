// Tests of the built plugin, without a hub: ./test ./PLUGIN_NAME.so
#include <cstdio>
#include <cstdlib>
#include <standpipe/testing.hpp>
#include <string>

using namespace standpipe::testing;

static void expect(bool holds, const char* what) {
  std::printf("%s  %s\n", holds ? "PASS" : "FAIL", what);
  if (!holds) std::exit(1);
}

static void says_how_long_each_message_is(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host);
  expect(handler.created.ok() && handler.open().ok(), "it opens");
  expect(handler.handle({"one", "three"}).all(STANDPIPE_DELIVERED), "messages are delivered");
  expect(host.reported.at(0) == "info: got 3 bytes", "their length is said");
}

static void uses_its_option(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host, {{"prefix", "length: "}});
  expect(handler.open().ok() && handler.handle({"one"}).ok(), "it takes its option");
  expect(host.reported.at(0) == "info: length: 3 bytes", "the prefix is the option's");
}

static void rejects_what_is_empty(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host);
  expect(handler.open().ok(), "it opens again");
  const auto answer = handler.handle({""});
  expect(answer.outcomes.at(0) == STANDPIPE_REJECT, "an empty message is rejected");
  expect(answer.reasons.at(0) == "it is empty", "the reason is given");
}

int main(int, char** words) {
  const auto& plugin = load(words[1]);
  says_how_long_each_message_is(plugin);
  uses_its_option(plugin);
  rejects_what_is_empty(plugin);
}
