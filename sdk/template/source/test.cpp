// Tests of the built plugin, without a hub: ./test ./PLUGIN_NAME.so
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <standpipe/testing.hpp>
#include <string>

using namespace standpipe::testing;
using namespace std::chrono_literals;

static void expect(bool holds, const char* what) {
  std::printf("%s  %s\n", holds ? "PASS" : "FAIL", what);
  if (!holds) std::exit(1);
}

static void brings_numbers(const standpipe_plugin& plugin) {
  Host host;
  Source source(plugin, host, {{"every", "1ms"}});
  expect(source.created.ok() && source.open().ok(), "it opens");
  const auto first = source.poll({.messages = 1, .wait = 10s});
  expect(first.ok() && first.messages.size() == 1, "it brings no more than there is room for");
  expect(first.messages.at(0).payload == "number 1", "the first one is number 1");
  const auto next = source.poll({.wait = 10s});
  expect(next.ok() && next.messages.at(0).payload == "number 2", "the next one comes after it");
}

static void goes_on_where_it_was(const standpipe_plugin& plugin) {
  Host host;
  Source source(plugin, host, {{"prefix", ""}});
  expect(source.open("7").ok(), "it opens at a place");
  const auto polled = source.poll({.messages = 1, .wait = 10s});
  expect(polled.messages.at(0).payload == "7", "it goes on there");
  expect(polled.resume == "8", "it says where to go on");
}

static void refuses_a_place_of_another(const standpipe_plugin& plugin) {
  Host host;
  Source source(plugin, host);
  const auto answer = source.open("page two");
  expect(answer.fatal() && !answer.reason.empty(), "a place that is none of its own is refused");
}

int main(int, char** words) {
  const auto& plugin = load(words[1]);
  brings_numbers(plugin);
  goes_on_where_it_was(plugin);
  refuses_a_place_of_another(plugin);
}
