// SPDX-License-Identifier: Apache-2.0
#include "cli/worker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/fd.h"
#include "base/inherited_descriptors.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/configuration.h"
#include "cli/control_socket.h"
#include "cli/interruption.h"
#include "cli/running.h"
#include "config/loader.h"
#include "control/server.h"
#include "keeper/link.h"
#include "keeper/orphan_watch.h"
#include "keeper/successor.h"
#include "state/shared_header.h"
#include "worker/configurations.h"
#include "worker/hub.h"
#include "worker/hub_names.h"
#include "worker/memory_dump.h"
#include "worker/reload.h"
#include "worker/report.h"

namespace standpipe::cli {
namespace {

// Opened by the first worker: a path that cannot be written is reported at once, not after a day's
// work, and no later worker fails for it. A descriptor of the caller's, >(command), is taken as it
// is.
Fd open_account(const std::optional<std::string>& path, keeper::Link& link) {
  if (!path) return Fd();
  if (auto kept = link.retrieve("account")) return std::move(*kept);
  const auto handed_over = descriptor_in(*path);
  auto file = handed_over ? Fd(::fcntl(*handed_over, F_DUPFD_CLOEXEC, STDERR_FILENO + 1))
                          : fd_of(paths::open_or_create(*path, O_WRONLY | O_TRUNC, 0644),
                                  "name another file: --account PATH");
  if (!file) throw Failure::system("write the account to " + *path, errno);
  link.keep("account", file.get());
  return file;
}

void write_account(const Fd& file, const std::optional<std::string>& path, std::string_view json) {
  if (!file) return;
  if (!descriptor_in(*path)) {  // an earlier worker may have written its own and died then
    (void)!::ftruncate(file.get(), 0);
    (void)::lseek(file.get(), 0, SEEK_SET);
  }
  if (const int problem = write_while_it_moves(file.get(), json))
    throw Failure::system("write the account to " + *path, problem);
}

// The descriptors of the caller that the command line names are for the first worker alone. In one
// that executed the program again such a number may be anything that the keeper has.
void close_named_descriptors(const Arguments& arguments, const keeper::Link& link) {
  std::set<int> others = {link.socket()};
  for (const auto& entry : link.all_entries()) others.insert(entry.fd);
  auto paths = arguments.operands();
  paths.push_back(arguments.text("account").value_or(""));
  for (const auto& path : paths)
    if (const auto fd = descriptor_in(path); fd && *fd > STDERR_FILENO && !others.contains(*fd))
      ::close(*fd);
}

constexpr Nanoseconds kOpenMax =
    std::chrono::seconds(5);  // a handler that takes longer to open is not waited for
constexpr Nanoseconds kTrialOpenMax =
    std::chrono::milliseconds(500);  // during a reload, while writers wait

using Start = worker::Configurations::Start;

// What a worker begins with.
struct Begin {
  const Arguments& arguments;
  Streams& streams;
  keeper::Link& link;
  const keeper::Successor& successor;
  worker::Configurations& configurations;
  const config::HubOptions& options;
  const worker::HubNames* before = nullptr;  // the configuration is tried: the one in force
};

// Inherited from an earlier worker, so that a command that asked it gets its answer from this one.
std::optional<control::Listener> listen(const Arguments& arguments, keeper::Link& link,
                                        Reporter& reporter) {
  if (auto kept = link.retrieve("control")) return control::Listener(std::move(*kept));
  auto listener = listen_for_control(arguments, reporter);
  if (listener) link.keep("control", listener->fd());
  return listener;
}

void report_ready(Reporter& reporter, Nanoseconds began, const worker::Hub& hub,
                  const std::string& control, const std::vector<std::string>& not_ready) {
  const auto took =
      std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began).count()) +
      " ms";
  const auto exceptions = not_ready.empty() ? "" : ", but not: " + joined(not_ready, ", ");
  if (hub.deaths() > 0)
    reporter.info("went on after " + took + exceptions);
  else
    reporter.info("ready in " + took + (control.empty() ? "" : ", control socket " + control) +
                  exceptions);
}

void report_account(const deliver::Account& account, const Arguments& arguments, const Fd& file,
                    Streams& streams) {
  const auto now = SystemClock().wall();
  streams.err.print_if_it_moves(
      log_lines(account.text(), "account", account.json(), streams.err.format(), now));
  write_account(file, arguments.text("account"), account.json());
  if (arguments.has("json")) streams.out.write(account.json());
  streams.out.flush_while_it_moves();
}

worker::Facts facts_of(const Begin& begin, const worker::Hub& hub, DiskComparison& disk) {
  const auto& mine = begin.configurations.mine();
  return {.file = begin.options.file,
          .place = begin.options.place,
          .since = hub.since(),
          .restarts = hub.deaths(),
          .process = ::getppid(),
          .loaded = Nanoseconds(static_cast<std::int64_t>(mine.number("loaded_ns"))),
          .generation = mine.number("generation"),
          .changed_on_disk = disk.has_changed(mine, begin.arguments)};
}

worker::Reload::Needs reload_needs(const Begin& begin, worker::Hub& hub, const Clock& clock,
                                   Reporter& reporter) {
  return {.hub = hub,
          .link = begin.link,
          .configurations = begin.configurations,
          .program = begin.successor.program(),
          .arguments = worker_words(begin.arguments, begin.arguments.texts("place"),
                                    begin.streams.err.format(), ""),
          .clock = clock,
          .reporter = reporter};
}

// Until the hub stops, or gives way to another configuration.
void serve(const Begin& begin, worker::Hub& hub, worker::Reload& reload, Reporter& reporter,
           const std::string& control, Nanoseconds began) {
  const bool tries = begin.configurations.start() == Start::tries;
  const auto not_ready = hub.start(tries ? kTrialOpenMax : kOpenMax);
  if (hub.has_stopped()) return;  // all is saved, and nothing may be read after it
  const bool gives_up = tries && hub.is_stopping();  // what it tried is not in force
  if (!gives_up) reload.ready();
  if (!tries) report_ready(reporter, began, hub, control, not_ready);
  begin.link.ready();
  if (!gives_up) hub.begin_for_good();
  hub.run();
}

// All that the keeper has is still open here. Comes back only if the kernel refuses.
void give_way(const Begin& begin, Reporter& reporter) {
  const int problem = begin.successor.become(
      begin.link, worker_words(begin.arguments, begin.arguments.texts("place"),
                               begin.streams.err.format(), ""));
  reporter.error("reload", std::string("cannot execute the program again: ") +
                               std::generic_category().message(problem));
  begin.link.retires();
}

Status report_end(const Begin& begin, worker::Hub& hub, const Fd& account_file) {
  const auto account = hub.account();
  report_account(account, begin.arguments, account_file, begin.streams);
  const auto status =
      account.lost_at_stop() > 0 || hub.lost_bytes() > 0 ? Status::failed : Status::done;
  if (!hub.has_detached()) return status;
  // A plugin that did not come back still uses what would be torn down now.
  begin.link.ends(static_cast<int>(status));
  std::_Exit(static_cast<int>(status));
}

// Where no thread can be had, what waits is saved without it: only the keeper's death would need
// it.
std::optional<keeper::OrphanWatch> watch_keeper(const Begin& begin, const Clock& clock,
                                                Reporter& reporter) {
  const auto& arguments = begin.arguments;
  const bool only_saves = arguments.has("spill");
  std::vector<std::string> to_save;
  if (!only_saves)
    to_save =
        worker_words(arguments, arguments.texts("place"), begin.streams.err.format(), "--spill");
  try {
    return std::optional<keeper::OrphanWatch>(std::in_place, begin.link, to_save, clock, reporter);
  } catch (const Failure&) {
    if (!only_saves) throw;
    return std::nullopt;
  }
}

Status work(const Begin& begin) {
  const auto began = steady_now();
  const auto& arguments = begin.arguments;
  const auto account_file = open_account(arguments.text("account"), begin.link);
  if (begin.configurations.start() == Start::first) close_named_descriptors(arguments, begin.link);
  const SystemClock clock;
  StreamReporter reporter(begin.streams.err.fd(), begin.streams.err.format());
  auto watch = watch_keeper(begin, clock, reporter);
  auto listener = listen(arguments, begin.link, reporter);
  const auto control = listener ? listener->path() : "";
  if (listener && begin.configurations.start() != Start::first)
    listener->leave_file();  // the next worker has it, if this one cannot begin
  worker::Hub hub(begin.options, clock, reporter, begin.link, arguments.has("spill"), begin.before,
                  &begin.successor.program());
  worker::Reload reload(reload_needs(begin, hub, clock, reporter));
  hub.serve(reload);
  DiskComparison disk;
  std::optional<control::Server> server;
  if (listener) {
    listener->leave_file();  // for the next worker, whatever becomes of this one
    server.emplace(std::move(*listener), clock, [&](std::string_view request) {
      if (const auto answer = reload.answer(request)) return *answer;
      if (const auto answer = hub.answer(request)) return *answer;
      return worker::answer(request, hub, facts_of(begin, hub, disk));
    });
    hub.serve(*server);
  }
  if (hub.saves())
    hub.save();
  else
    serve(begin, hub, reload, reporter, control, began);
  if (hub.gives_way()) {
    watch.reset();
    give_way(begin, reporter);
    return Status::done;
  }
  const bool has_file = server && server->listener().has_its_file();  // not another hub's by now
  server.reset();  // whoever asks from now on learns that no hub is there
  if (has_file) ::unlink(control.c_str());
  return report_end(begin, hub, account_file);
}

Status dump_memory_to_disk(Streams& streams, keeper::Link& link,
                           const config::HubOptions& options) {
  const auto memory = link.retrieve(state::kMemoryName);
  if (!memory) throw Failure("there is no memory");
  const auto path = worker::dump_memory(memory->get(), options.data_dir);
  StreamReporter(streams.err.fd(), streams.err.format())
      .warning("memory-dumped", "the hub's memory is copied, as it is, to " + path,
               "its messages are in there as they were written; the hub does not take them up "
               "again by itself");
  return Status::done;
}

// The first worker reads the configuration from the disk; those after it get it from the keeper.
// nullopt: it is wrong, and why was said.
std::optional<config::Loaded> load(const Arguments& arguments, Streams& streams,
                                   worker::Configurations& configurations,
                                   plugin::Registry& plugins) {
  const bool first = configurations.start() == Start::first;
  if (!first) plugins.trust();
  auto read = first ? read_configuration(arguments) : configurations.mine();
  config::Loaded loaded;
  if (auto* why = std::get_if<std::vector<Diagnostic>>(&read))
    loaded.diagnostics = std::move(*why);
  else
    loaded = load_configuration(std::get<Parts>(read), plugins,
                                first ? config::Reading::anew : config::Reading::again);
  if (first || !loaded.ok())
    for (const auto& d : loaded.diagnostics) streams.err.say(d);
  if (!loaded.ok()) return std::nullopt;
  if (!first) return loaded;
  auto& mine = std::get<Parts>(read);
  mine.set("generation", 1);
  mine.set("plugins", plugin_files(loaded.hub));
  worker::HubNames::of(loaded.hub).write(mine);
  configurations.begin(std::move(mine));
  StreamReporter reporter(streams.err.fd(), streams.err.format());
  reporter.info(inventory(loaded.hub) + "; at most " + size_text(loaded.hub.memory_max) +
                " of messages in memory");
  return loaded;
}

Status begin(const Arguments& arguments, Streams& streams, keeper::Link& link,
             const keeper::Successor& successor, worker::Configurations& configurations) {
  const bool only_saves = arguments.has("spill") || arguments.has("dump-memory");
  auto plugins =
      only_saves ? plugin::Registry::of_names() : plugin::Registry(plugin_folders(arguments));
  auto loaded = load(arguments, streams, configurations, plugins);
  if (!loaded && configurations.start() == Start::tries)
    throw Failure("the configuration is wrong by now");
  if (!loaded) return Status::wrong_configuration;
  if (arguments.has("dump-memory")) return dump_memory_to_disk(streams, link, loaded->hub);
  Begin begin{arguments, streams, link, successor, configurations, loaded->hub};
  const bool tries = configurations.start() == Start::tries;
  if (!tries && configurations.start() != Start::is_through) return work(begin);
  const auto changed = lines_in(configurations.mine().text("changed"));
  for (auto* instances : {&loaded->hub.handlers, &loaded->hub.source_plugins})
    for (auto& instance : *instances)
      instance.changed = std::find(changed.begin(), changed.end(), instance.name) != changed.end();
  if (!tries) return work(begin);
  const auto before = worker::HubNames::read(configurations.other());
  begin.before = &before;
  return work(begin);
}

// What cannot be tried leads back to what is in force, and that is no death. The keeper starts the
// next worker.
bool goes_back(keeper::Link& link, worker::Configurations& configurations, const char* why) {
  if (configurations.start() != Start::tries) return false;
  configurations.fail(why);
  link.retires();
  return true;
}

// Whenever it ends by itself, it announces that to the keeper first: an end without a message is a
// death.
Status run_worker(const Arguments& arguments, Streams& streams) {
  if (arguments.has("examine")) return examine(arguments, streams);
  auto link = keeper::Link::from_environment();
  const bool is_first = link.names().empty();
  if (!is_first) close_named_descriptors(arguments, link);  // before anything else is opened
  streams.err.use(log_format_of(arguments, streams.err.fd()));
  if (!link.kept())
    throw WrongUsage("a worker is started by a keeper only", "standpipe run CONFIG");
  streams.err.never_wait_long();
  const keeper::Successor successor;
  std::optional<worker::Configurations> configurations;
  try {
    configurations.emplace(link, arguments.has("spill") || arguments.has("dump-memory"));
    const auto status = begin(arguments, streams, link, successor, *configurations);
    link.ends(static_cast<int>(status));
    return status;
  } catch (const state::Memory::Damaged& damaged) {
    streams.err.error("damaged",
                      std::string("what the last worker left in memory does not hold together: ") +
                          damaged.what());
    link.damaged();
    return Status::failed;
  } catch (const std::exception& problem) {
    if (configurations && goes_back(link, *configurations, problem.what())) return Status::failed;
    const bool is_wrong = dynamic_cast<const WrongConfiguration*>(&problem);
    link.ends(static_cast<int>(is_wrong ? Status::wrong_configuration : Status::failed));
    throw;  // whoever called says what is wrong
  }
}

}  // namespace

LogFormat log_format_of(const Arguments& arguments, int fd) {
  const auto named = arguments.text("log-format");
  return (named ? parse_log_format(*named) : std::nullopt).value_or(default_log_format(fd));
}

std::vector<std::string> worker_words(const Arguments& run, const std::vector<std::string>& places,
                                      LogFormat format, const char* what) {
  std::vector<std::string> words = {"standpipe: worker", std::string(kWorker)};
  for (const auto& folder : run.texts("plugins")) words.insert(words.end(), {"--plugins", folder});
  for (const auto& place : places) words.insert(words.end(), {"--place", place});
  for (const char* option : {"control", "account"})
    if (const auto value = run.text(option))
      words.insert(words.end(), {std::string("--") + option, *value});
  words.insert(words.end(), {"--log-format", log_format_name(format)});
  if (run.has("json")) words.emplace_back("--json");
  if (*what) words.emplace_back(what);
  words.emplace_back("--");
  for (const auto& path : run.operands()) words.push_back(path);
  return words;
}

Command worker_command() {
  auto command = run_command();
  command.name = kWorker;
  command.options.push_back({.name = "place",
                             .kind = Kind::file,
                             .value = "PATH",
                             .summary = "where each CONFIG was when the hub started",
                             .repeatable = true});
  command.options.push_back({.name = "spill", .summary = "save what waits in memory, and end"});
  command.options.push_back({.name = "examine",
                             .kind = Kind::file,
                             .value = "FILE,RUNNING",
                             .summary = "examine what is on the disk, and end"});
  command.options.push_back(
      {.name = "dump-memory", .summary = "copy the memory as it is, and end"});
  command.run = run_worker;
  return command;
}

}  // namespace standpipe::cli
