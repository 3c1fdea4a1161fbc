// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <unistd.h>

#include <algorithm>

namespace {

// A word or a value with a NUL would reach the program without what follows it.
void refuse_nul(std::string_view option, std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    throw standpipe::fatal(std::string(option) + ": a NUL cannot be given to a program");
}

std::vector<std::string> words_of(const standpipe::Options& options) {
  auto words = options.list("command");
  const auto args = options.list("args");
  if (words.empty() || words[0].empty())
    throw standpipe::fatal("command: name a program, as in [python3, -u, handler.py]");
  if (options.boolean("shell")) {
    if (words.size() != 1)
      throw standpipe::fatal(
          "command: with shell: true it is one string; write arguments into args, where the "
          "command finds them as $1, $2 ...");
    words = {"/bin/sh", "-c", words[0], "sh"};
  }
  words.insert(words.end(), args.begin(), args.end());
  for (const auto& word : words) refuse_nul("command", word);
  return words;
}

std::vector<std::pair<std::string, std::string>> env_of(const standpipe::Options& options) {
  auto env = options.map("env");
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != std::string::npos)
      throw standpipe::fatal("env: '" + name + "' is no name of a variable");
    refuse_nul("env", name);
    refuse_nul("env", value);
  }
  return env;
}

void set(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  const auto start = std::string(name) + '=';
  std::erase_if(environment, [&](const std::string& e) { return e.starts_with(start); });
  environment.push_back(start + std::string(value));
}

}  // namespace

Settings::Settings(const standpipe::Options& options)
    : name(options.instance()),
      words(words_of(options)),
      env(env_of(options)),
      folder(options.text("cwd")),
      answers(options.text("answers") == "outcomes"),
      metadata(options.boolean("metadata")),
      restarts_after_success(options.text("restart") == "always"),
      start_timeout(options.duration("start_timeout")),
      timeout(options.duration("timeout")),
      stop_timeout(options.duration("stop_timeout")),
      message_max(options.bytes("max_message_size")) {}

std::vector<std::string> Settings::environment(std::string_view kind) const {
  std::vector<std::string> all;
  for (char** entry = ::environ; entry && *entry; ++entry) all.emplace_back(*entry);
  set(all, "STANDPIPE_EXEC", "1");
  set(all, "STANDPIPE_EXEC_KIND", kind);
  set(all, "STANDPIPE_EXEC_NAME", name);
  set(all, "STANDPIPE_EXEC_ANSWERS", answers ? "outcomes" : "none");
  set(all, "STANDPIPE_EXEC_METADATA", metadata ? "1" : "0");
  for (const auto& [variable, value] : env) set(all, variable, value);
  return all;
}

namespace {

constexpr const char* kDocumentation =
    "A handler starts the program and writes each message to its standard input: the length\n"
    "(4 bytes, little endian), then the payload. With answers: outcomes the program says on its\n"
    "standard output what becomes of each: lines such as `delivered 100` or `reject 1 no date`,\n"
    "and messages that it makes (`emit`). A message is settled only by its outcome; what has\n"
    "none when the program ends is redelivered to the next one. With answers: none a message is\n"
    "delivered once the program has read it, and what it prints is logged. PROTOCOL.md (in\n"
    "share/doc/standpipe/exec) has all of it on a page; the Python package standpipe has\n"
    "classes for it.\n"
    "\n"
    "A source takes messages from the program's standard output: frames alone, or records that\n"
    "bring metadata and say where to go on after a restart.\n"
    "\n"
    "A program that ends is started again, after a pause that grows. One that was killed by a\n"
    "signal, that gave no answer for `timeout`, or that answered nonsense is given the messages\n"
    "it had one by one then: the one that it ends on again counts as tried (`retry`), so that it\n"
    "is dead-lettered at last and others pass. A program that exits by itself, whatever the\n"
    "status, counts as an outage: nothing is dead-lettered for it. A program that cannot be\n"
    "executed at all holds the handler.\n"
    "\n"
    "At a stop its standard input is closed. If it has not ended after stop_timeout, its process\n"
    "group gets SIGTERM, and a second later SIGKILL. It is killed at once when the hub dies.\n"
    "Its standard error is logged line by line: at most 1,000 bytes of a line, and 20 lines a\n"
    "second after the first 100.\n"
    "\n"
    "handle waits for the program, so a program that hangs keeps its own messages waiting until\n"
    "`timeout`, and nobody else's. Leave the handler's own `timeout` (beside `plugin`) unset, or\n"
    "make it longer than this one: that one ends the hub's worker.";

void describe_program(standpipe::Description& d) {
  d.option("command")
      .list()
      .required()
      .example("[python3, handler.py]")
      .summary("the program and its arguments; a name without a slash is searched in PATH");
  d.option("args").list().summary("more arguments, after those of command").example("[--verbose]");
  d.option("shell").boolean().fallback("false").summary(
      "command is one string for /bin/sh -c; args are its $1, $2 ...");
  d.option("env").map().summary("variables that are added to its environment").example("{TZ: UTC}");
  d.option("cwd").path().fallback(".").summary("its working directory");
}

void describe_answers(standpipe::Description& d) {
  d.option("answers")
      .one_of({"outcomes", "none"})
      .fallback("outcomes")
      .summary("of a handler: whether it says on standard output what becomes of each message");
  d.option("metadata")
      .boolean()
      .fallback("false")
      .summary(
          "of a handler: a head with sequence, time, source and metadata is before each payload");
  d.option("restart")
      .one_of({"failure", "always"})
      .fallback("failure")
      .summary("of a source: whether a program that ended with status 0 is started again, too");
}

void describe_limits(standpipe::Description& d) {
  d.option("start_timeout")
      .duration()
      .fallback("30s")
      .minimum("1ms")
      .summary("of a handler: how long it may take to greet");
  d.option("timeout").duration().fallback("1m").minimum("1ms").summary(
      "how long nothing may come of a message before the program is killed");
  d.option("stop_timeout")
      .duration()
      .fallback("5s")
      .minimum("0s")
      .maximum("1h")
      .summary("how long it may take to end after its standard input was closed");
  d.option("max_message_size")
      .bytes()
      .fallback("16MiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary("how large a message may be that the program makes");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("exec").version("1.0").summary("gives messages to a program, or brings those of one");
  d.documentation(kDocumentation);
  describe_program(d);
  describe_answers(d);
  describe_limits(d);
}
