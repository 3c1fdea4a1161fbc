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

static void makes_one_of_each(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host);
  expect(handler.created.ok() && handler.open().ok(), "it opens");
  const auto answer = handler.handle({"one", "two"});
  expect(answer.all(STANDPIPE_DELIVERED), "messages are delivered");
  expect(answer.emitted.size() == 2, "there is one for one");
  expect(answer.emitted.at(1).payload == "got two", "the text comes before it");
}

static void uses_its_option(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host, {{"prefix", "again: "}});
  expect(handler.open().ok() && handler.handle({"one"}).ok(), "it takes its option");
  expect(host.emitted.at(0).payload == "again: one", "the prefix is the option's");
}

static void rejects_what_is_empty(const standpipe_plugin& plugin) {
  Host host;
  Handler handler(plugin, host);
  expect(handler.open().ok(), "it opens again");
  const auto answer = handler.handle({""});
  expect(answer.outcomes.at(0) == STANDPIPE_REJECT, "an empty message is rejected");
  expect(answer.reasons.at(0) == "it is empty", "the reason is given");
  expect(answer.emitted.empty(), "nothing is made of it");
}

int main(int, char** words) {
  const auto& plugin = load(words[1]);
  makes_one_of_each(plugin);
  uses_its_option(plugin);
  rejects_what_is_empty(plugin);
}
