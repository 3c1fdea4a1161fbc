// SPDX-License-Identifier: Apache-2.0
#include "cli/tour.h"

#include <poll.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/failure.h"
#include "base/text.h"
#include "cli/fifo_reader.h"
#include "cli/fifo_writer.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPatience =
    3s;  // for what takes milliseconds; on a machine that is very busy

constexpr std::string_view kConfiguration =
    R"(version: 1

sources:                           # where messages come in
  orders:
    fifo: orders                   # a named FIFO beside this file; the hub makes it

handlers:                          # where they go: each is a plugin with its options
  screen:
    plugin: print
  archive:
    plugin: log
    options: { path: orders.log }
  desk:
    plugin: forward
    options: { fifo: urgent }      # into another FIFO, for another program

routes:                            # which messages go to which handlers
  - from: orders
    to: [screen, archive]          # every message, to both
  - from: orders
    match: { text: { prefix: "urgent" } }
    to: desk                       # the urgent ones also to the desk

drain_timeout: 2s
data_dir: state                    # what the hub saves on disk
)";

const std::vector<std::string> kMessages = {"order 1: a kettle", "urgent order 2: a fire hose",
                                            "order 3: a ladder"};
constexpr const char* kUrgent = "urgent order 2: a fire hose";

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has_all_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= kMessages.size();
}

}  // namespace

Tour::Tour(Streams& streams)
    : streams_(streams), program_(std::filesystem::read_symlink("/proc/self/exe").string()) {}

Status Tour::run() try {
  say("This starts a hub, sends it three messages and shows where they go.\n");
  make_folder();
  write_configuration();
  start_hub();
  send();
  show_screen();
  show_file();
  receive();
  stop_hub();
  print_next_steps();
  return Status::done;
} catch (const Failure& failure) {
  if (hub_)
    streams_.err.print("the hub said:\n" + printable_lines(hub_->err() + hub_->out(), "  "));
  throw;
}

void Tour::make_folder() {
  const char* wanted = ::getenv("TMPDIR");
  folder_ = std::string(wanted && *wanted ? wanted : "/tmp") + "/standpipe-demo-XXXXXX";
  if (!::mkdtemp(folder_.data()))
    throw Failure::system("make the folder " + folder_, errno,
                          "name another folder to make it in: TMPDIR=... standpipe demo");
  folder_ = std::filesystem::absolute(folder_).string();
}

void Tour::write_configuration() {
  step("A configuration, " + in_folder("demo.yaml"));
  std::ofstream file(in_folder("demo.yaml"), std::ios::binary);
  file << kConfiguration;
  file.close();
  if (!file) throw Failure("cannot write " + in_folder("demo.yaml"), "is the disk full?");
  say(printable_lines(kConfiguration, "     "));
}

void Tour::start_hub() {
  step("A hub that runs it: standpipe run demo.yaml");
  hub_.emplace(std::vector<std::string>{program_, "run", in_folder("demo.yaml")});
  wait_for_hub(
      [&] { return hub_->err().find("ready") != std::string::npos && hub_->err().ends_with('\n'); },
      "the hub does not become ready");
  say(printable_lines(hub_->err(), "     "));
}

void Tour::send() {
  step("Three messages into its FIFO: standpipe send orders MESSAGE...");
  FifoWriter writer({.path = in_folder("orders"), .timeout = kPatience}, interruption_);
  for (const auto& message : kMessages) {
    if (!writer.add(message)) throw Failure("interrupted");
    say("     " + message + '\n');
  }
  if (!writer.flush()) throw Failure("interrupted");
  say("     (" + writer.summary() + ")\n");
}

void Tour::show_screen() {
  step("What the handler screen printed");
  wait_for_hub([&] { return has_all_lines(hub_->out()); },
               "the messages do not arrive at the handler screen");
  say(printable_lines(hub_->out(), "     "));
}

void Tour::show_file() {
  step("What the handler archive wrote to orders.log");
  const auto path = in_folder("orders.log");
  wait_for_hub([&] { return has_all_lines(text_of(path)); },
               "the messages do not arrive in " + path);
  say(printable_lines(text_of(path), "     "));
}

void Tour::receive() {
  step("What another program gets from the FIFO of the handler desk: standpipe recv urgent");
  FifoReader reader({.path = in_folder("urgent"), .exact = true});
  auto next = FifoReader::Next::nothing;
  wait_for_hub(
      [&] {
        next = reader.next_frame();
        reader.awake();
        return next != FifoReader::Next::nothing;
      },
      "no message arrives in " + in_folder("urgent"));
  if (next != FifoReader::Next::frame || reader.payload() != kUrgent)
    throw Failure("something else than the urgent message arrived in " + in_folder("urgent"));
  say(printable_lines(reader.payload(), "     "));
}

void Tour::stop_hub() {
  step("The end of the hub, by SIGTERM: no message is lost without being counted");
  const auto before = hub_->err().size();
  const auto status = hub_->stop(2s + kPatience, interruption_);
  if (status != 0) throw Failure("the hub did not end as it should");
  say(printable_lines(std::string_view(hub_->err()).substr(before), "     "));
}

void Tour::print_next_steps() {
  const auto program = shell_quoted(program_) + ' ';
  say("\nNow you, in three terminals. All is in " + folder_ +
      ", which you may remove afterwards.\n"
      "  " +
      program + "run " + shell_quoted(in_folder("demo.yaml")) + "\n  " + program + "send " +
      shell_quoted(in_folder("orders")) + " 'urgent order 4: a bucket'\n  " + program + "recv " +
      shell_quoted(in_folder("urgent")) + '\n');
}

void Tour::say(std::string_view text) {
  streams_.out.write(text);
  streams_.out.flush();
}

void Tour::step(std::string_view heading) {
  say('\n' + std::to_string(++steps_) + ". " + std::string(heading) + '\n');
}

void Tour::wait_for_hub(const std::function<bool()>& done, const std::string& what) {
  if (hub_->gather_until(done, kPatience, interruption_)) return;
  throw Failure(interruption_.times() > 0 ? "interrupted" : what,
                "its folder is still there: " + folder_);
}

}  // namespace standpipe::cli
