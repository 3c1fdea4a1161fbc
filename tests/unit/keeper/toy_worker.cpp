// SPDX-License-Identifier: Apache-2.0
// A worker that does what its command line says: toy_worker LOG SCRIPT... A script is steps with a
// semicolon between; the first worker follows the first script, its successor the second, whoever
// is beyond the last follows that. What it sees it writes to LOG.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/failure.h"
#include "keeper/link.h"
#include "keeper/orphan_watch.h"
#include "keeper/processes.h"
#include "keeper/successor.h"
#include "keeper/wire.h"
#include "state/shared_header.h"

using namespace standpipe;
using namespace standpipe::keeper;

namespace {

struct Memory {
  state::SharedHeader header;
  state::Watch watches[2];
};

class Toy {
 public:
  explicit Toy(std::string log) : log_(std::move(log)), link_(Link::from_environment()) {
    generation_ = lines_that_start_with("start").size() + 1;
  }

  void follow(const std::string& script) {
    std::istringstream steps(script);
    for (std::string step; std::getline(steps, step, ';');) {
      std::istringstream words(step);
      std::string verb, argument;
      words >> verb >> argument;
      do_step(verb, argument);
    }
  }

  std::size_t generation() const { return generation_; }

  int ends(int status) {
    link_.ends(status);
    return status;
  }

  void say(const std::string& line) {
    const Fd file(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (::write(file.get(), (line + '\n').data(), line.size() + 1) < 0) std::abort();
  }

 private:
  void do_step(const std::string& verb, const std::string& argument) {
    const auto number = std::atoi(argument.c_str());
    const std::map<std::string, std::function<void()>> steps{
        {"start", [&] { say("start"); }},
        {"spill", [&] { say("spill"); }},
        {"keep", [&] { link_.keep(argument, file_with(argument).get()); }},
        {"keep_unanswered",
         [&] { (void)send(link_.fd(), "keep", argument, file_with(argument).get()); }},
        {"keep_many",
         [&] {
           for (int i = 0; i < number; ++i) link_.keep(name(i), file_with(name(i)).get());
         }},
        {"keep_many_unanswered",
         [&] {
           for (int i = 0; i < number; ++i)
             (void)send(link_.fd(), "keep", name(i), file_with(name(i)).get());
         }},
        {"pid", [&] { say("pid " + std::to_string(::getpid())); }},
        {"stop_keeper", [&] { ::kill(link_.keeper_pid(), SIGSTOP); }},
        {"say", [&] { say(argument); }},
        {"keeper_descriptors", [&] { say("descriptors " + std::to_string(keeper_descriptors())); }},
        {"forget", [&] { link_.forget(argument); }},
        {"hold",
         [&] {
           held_.push_back(file_with(argument));
           link_.keep(argument, held_.back().get());
         }},
        {"succeed", [&] { succeed(); }},
        {"retire",
         [&] {
           link_.retires();
           ::_exit(1);
         }},
        {"change_process", [&] { change_process(); }},
        {"process", [&] { say("process " + process()); }},
        {"take", [&] { say("took " + argument + ": " + taken(argument)); }},
        {"take_many",
         [&] {
           const auto right = std::to_string(take_many(number));
           say("took " + right + ", left " + std::to_string(link_.names().size()));
         }},
        {"keep_bad_memory", [&] { link_.keep("memory", file_with(std::string(200, 'x')).get()); }},
        {"memory", [&] { have_memory(); }},
        {"progress", [&] { std::atomic_ref(memory_->header.progress).fetch_add(1); }},
        {"call", [&] { begin_call(number); }},
        {"on_loop", [&] { std::atomic_ref(memory_->watches[1].on_loop).fetch_add(1); }},
        {"freeze", [&] { std::this_thread::sleep_for(std::chrono::minutes(1)); }},
        {"pause", [&] { std::this_thread::sleep_for(std::chrono::milliseconds(number)); }},
        {"stuck", [&] { say("stuck " + std::to_string(memory_->watches[1].stuck)); }},
        {"hung", [&] { say("hung " + std::to_string(memory_->watches[1].hung)); }},
        {"deaths",
         [&] {
           say("deaths " + std::to_string(memory_->header.deaths) + ", " +
               std::to_string(memory_->header.last_status));
         }},
        {"ready", [&] { link_.ready("toying"); }},
        {"saving", [&] { link_.saving(); }},
        {"watch", [&] { watch_.emplace(link_, std::vector<std::string>{}, clock_, reporter_); }},
        {"stopping", [&] { link_.stopping(); }},
        {"ends", [&] { link_.ends(number); }},
        {"damaged", [&] { link_.damaged(); }},
        {"close_link", [&] { ::close(link_.fd()); }},
        {"done", [&] { end(); }},
        {"serve", [&] { serve(); }},
        {"orphan", [&] { leave_orphan(argument == "stubborn"); }},
        {"orphans", [&] { say(std::to_string(living_orphans()) + " orphans live"); }},
        {"until",
         [&] {
           if (generation_ >= static_cast<std::size_t>(number)) end();
         }},
        {"quiet",
         [&] {
           if (next_request(number).empty()) say("quiet");
         }},
        {"kill", [&] { ::raise(number ? number : SIGKILL); }},
        {"die_when_asked",
         [&] {
           say("serving");
           (void)next_request(-1);
           ::raise(SIGKILL);
         }},
        {"exit", [&] { ::_exit(number); }},
    };
    const auto step = steps.find(verb);
    if (step == steps.end()) std::abort();
    step->second();
  }

  static std::string name(int i) { return "descriptor/" + std::to_string(i); }
  static Fd file_with(const std::string& text) {
    Fd file(::memfd_create("toy", MFD_CLOEXEC));
    if (::pwrite(file.get(), text.data(), text.size(), 0) < 0) std::abort();
    return file;
  }
  std::string taken(const std::string& wanted) {
    const auto fd = link_.retrieve(wanted);
    char text[600];
    const auto n = fd ? ::pread(fd->get(), text, sizeof text, 0) : -1;
    return n < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(n));
  }
  int take_many(int most) {
    int right = 0;
    for (int i = 0; i < most; ++i) right += taken(name(i)) == name(i);
    return right;
  }

  void have_memory() {
    auto fd = link_.retrieve("memory");
    const bool is_new = !fd;
    if (is_new) fd = Fd(::memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (is_new && ::ftruncate(fd->get(), sizeof(Memory)) != 0) std::abort();
    memory_ = static_cast<Memory*>(
        ::mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0));
    if (!is_new) return;
    *memory_ = Memory{{.magic = state::kMemoryMagic,
                       .version = state::kMemoryVersion,
                       .header_bytes = sizeof(state::SharedHeader),
                       .bytes = sizeof(Memory),
                       .watches_offset = offsetof(Memory, watches),
                       .watches = 2},
                      {}};
    std::strcpy(memory_->watches[1].name, "second");
    memory_->watches[1].timeout_ns = 60'000'000;  // known before it is ready, as a hub's are
    link_.keep("memory", fd->get());
  }
  // Becomes the worker that follows the next script.
  void succeed() {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    link_.succeeds();
    if (link_.kept()) (void)successor_.become(link_, words);
    std::abort();
  }
  // What a plugin might leave behind, and how much of that is there.
  static void change_process() {
    ::setenv("TOY", "left", 1);
    ::umask(0123);
    if (::chdir("/") != 0) std::abort();
    ::signal(SIGUSR2, SIG_IGN);
    ::alarm(60);
    if (::dup2(STDIN_FILENO, 77) != 77) std::abort();  // not close-on-exec
    if (::fork() == 0) ::execlp("sleep", "sleep", "60", nullptr);
  }
  static std::string process() {
    const auto mask = ::umask(0);
    ::umask(mask);
    const bool ignores = ::signal(SIGUSR2, SIG_DFL) == SIG_IGN;
    return std::string(std::getenv("TOY") ? "variable " : "") + (mask == 0123 ? "umask " : "") +
           (std::filesystem::current_path() == "/" ? "folder " : "") + (ignores ? "signal " : "") +
           (::alarm(0) ? "alarm " : "") + (::fcntl(77, F_GETFD) >= 0 ? "descriptor " : "") +
           (children().empty() ? "" : "child ");
  }
  std::ptrdiff_t keeper_descriptors() const {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(link_.keeper_pid()) +
                                                  "/fd");
    return std::distance(std::filesystem::begin(all), std::filesystem::end(all));
  }
  void begin_call(int timeout_ms) {
    memory_->watches[1].timeout_ns = static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
    std::atomic_ref(memory_->watches[1].call).fetch_add(1);
  }

  // What the keeper wants, once it does; empty: it wanted nothing for so long. Answers pings
  // meanwhile.
  std::string next_request(int timeout_ms) {
    for (;;) {
      pollfd readable{link_.fd(), POLLIN, 0};
      if (::poll(&readable, 1, timeout_ms) == 0) return "";
      if (link_.on_readable() == Link::Event::lost) return "lost the keeper";
      const auto asked = link_.asked();
      std::string text;
      if (asked.reopen) text += " reopen";
      if (asked.reload) text += " reload";
      if (asked.stops == 1) text += " stop";
      if (asked.stops > 1) text += " stop at once";
      if (text.empty()) continue;
      say("asked:" + text);
      return text;
    }
  }
  void serve() {
    say("serving");
    for (;;) {
      const auto request = next_request(-1);
      if (request == "lost the keeper") say(request);
      if (request == "lost the keeper" || request.find("stop") != request.npos) end();
    }
  }
  [[noreturn]] void end() {
    link_.stopping();
    link_.ends(0);
    ::_exit(0);
  }

  // In a session of its own, and no child of ours.
  void leave_orphan(bool stubborn) {
    const auto child = ::fork();
    if (child != 0) {
      ::waitpid(child, nullptr, 0);
      return;
    }
    if (stubborn) ::signal(SIGTERM, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    say("orphan " + std::to_string(::getpid()));
    for (;;) ::pause();
  }
  std::vector<std::string> lines_that_start_with(const std::string& begin) const {
    std::ifstream file(log_);
    std::vector<std::string> found;
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(begin)) found.push_back(line);
    return found;
  }
  std::size_t living_orphans() const {
    std::size_t n = 0;
    for (const auto& line : lines_that_start_with("orphan "))
      n += ::kill(std::atoi(line.c_str() + 7), 0) == 0;
    return n;
  }

  std::string log_;
  Link link_;
  std::size_t generation_ = 0;
  Memory* memory_ = nullptr;
  SystemClock clock_;
  Fd log_file_{::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  StreamReporter reporter_{log_file_.get()};
  std::optional<OrphanWatch> watch_;
  std::vector<Fd> held_;
  Successor successor_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) return 2;
  Toy toy(arguments[1]);
  const auto scripts = static_cast<std::size_t>(count - 2);
  try {
    toy.follow(arguments[1 + std::min(toy.generation(), scripts)]);
  } catch (const Failure& f) {
    toy.say(f.what());
    return toy.ends(3);
  }
}
