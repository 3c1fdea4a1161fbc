// SPDX-License-Identifier: Apache-2.0
#include "cli/worker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/fd.h"
#include "base/inherited_descriptors.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/configuration.h"
#include "cli/control_socket.h"
#include "cli/interruption.h"
#include "config/loader.h"
#include "control/server.h"
#include "keeper/link.h"
#include "keeper/orphan_watch.h"
#include "keeper/shared_header.h"
#include "worker/hub.h"
#include "worker/report.h"
#include "worker/salvage.h"

namespace standpipe::cli {
namespace {

// Opened by the first worker: a path that cannot be written is told at once, not after a day's work, and no later worker fails for
// it. A descriptor of the caller's, >(command), is taken as it is.
Fd open_account(const std::optional<std::string>& path, keeper::Link& link) {
  if (!path) return Fd();
  if (auto kept = link.take("account")) return std::move(*kept);
  const auto handed_over = descriptor_in(*path);
  auto file = handed_over ? Fd(::fcntl(*handed_over, F_DUPFD_CLOEXEC, STDERR_FILENO + 1))
                          : fd_of(paths::open_or_create(*path, O_WRONLY | O_TRUNC, 0644), "name another file: --account PATH");
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
  if (const int problem = write_while_it_moves(file.get(), json)) throw Failure::system("write the account to " + *path, problem);
}

// What the command line names of the caller's descriptors is the first worker's to read and to write, and nobody else's.
void close_named_descriptors(const Arguments& arguments) {
  for (const auto& path : {arguments.operands()[0], arguments.text("account").value_or("")})
    if (const auto fd = descriptor_in(path); fd && *fd > STDERR_FILENO) ::close(*fd);
}

constexpr Nanoseconds kOpenMax = std::chrono::seconds(5);  // a handler that takes longer to open is not waited for

// The configuration in force: what the first worker read. An edited file counts when it is reloaded, and not because a plugin
// crashed.
config::Loaded load(const std::string& file, const std::string& place, plugin::Registry& plugins, keeper::Link& link, Fd& copy) {
  if (auto kept = link.take("configuration")) {
    copy = std::move(*kept);
    std::string text(static_cast<std::size_t>(std::max<off_t>(::lseek(copy.get(), 0, SEEK_END), 0)), '\0');
    if (::pread(copy.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      throw Failure("the configuration in force cannot be read back");
    return config::load_text(text, file, plugins, config::Reading::again, place);
  }
  const auto text = config::read_text(file);
  if (!text) return config::load_file(file, plugins);  // which says why
  auto loaded = config::load_text(*text, file, plugins, config::Reading::anew, place);
  if (!loaded.ok()) return loaded;
  copy = Fd(::memfd_create("standpipe-configuration", MFD_CLOEXEC));
  if (!copy || ::write(copy.get(), text->data(), text->size()) != static_cast<ssize_t>(text->size()))
    throw Failure::system("keep the configuration", errno);
  link.keep("configuration", copy.get());
  return loaded;
}

// Taken over from an earlier worker, so that whoever asked it has an answer from this one.
std::optional<control::Listener> listen(const Arguments& arguments, keeper::Link& link, Reporter& reporter) {
  if (auto kept = link.take("control")) return control::Listener(std::move(*kept));
  auto listener = listen_for_control(arguments, reporter);
  if (listener) link.keep("control", listener->fd());
  return listener;
}

void tell_ready(Reporter& reporter, Nanoseconds began, const worker::Hub& hub, const std::string& control,
                const std::vector<std::string>& not_ready) {
  const auto took = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began).count()) + " ms";
  const auto exceptions = not_ready.empty() ? "" : ", but not: " + joined(not_ready, ", ");
  if (hub.deaths() > 0)
    reporter.info("went on after " + took + exceptions);
  else
    reporter.info("ready in " + took + (control.empty() ? "" : ", control socket " + control) + exceptions);
}

void tell_account(const deliver::Account& account, const Arguments& arguments, const Fd& file, Streams& streams) {
  const auto now = SystemClock().wall();
  streams.err.print_if_it_moves(log_lines(account.text(), "account", account.json(), streams.err.format(), now));
  write_account(file, arguments.text("account"), account.json());
  if (arguments.has("json")) streams.out.write(account.json());
  streams.out.flush_while_it_moves();
}

Status work(const Arguments& arguments, Streams& streams, keeper::Link& link, const config::Hub& options) {
  const auto began = steady_now();
  const auto account_file = open_account(arguments.text("account"), link);
  close_named_descriptors(arguments);
  const SystemClock clock;
  StreamReporter reporter(streams.err.fd(), streams.err.format());
  std::optional<keeper::OrphanWatch> watch;
  if (!arguments.has("spill"))
    watch.emplace(link, worker_words(arguments, options.place, streams.err.format(), "--spill"), clock, reporter);
  auto listener = listen(arguments, link, reporter);
  const auto control = listener ? listener->path() : "";
  worker::Hub hub(options, clock, reporter, link, arguments.has("spill"));
  const worker::Facts facts{.file = options.file, .since = hub.began(), .restarts = hub.deaths(), .process = ::getppid()};
  std::optional<control::Server> server;
  if (listener) {
    listener->leave_file();  // for the next worker, whatever becomes of this one
    server.emplace(std::move(*listener), clock, [&](std::string_view request) { return worker::answer(request, hub, facts); });
    hub.serve(*server);
  }
  if (hub.saves()) {
    hub.save();
  } else {
    const auto not_ready = hub.start(kOpenMax);
    tell_ready(reporter, began, hub, control, not_ready);
    link.ready();
    hub.run();
  }
  const bool has_file = server && server->listener().has_its_file();  // not another hub's by now
  server.reset();                                                     // whoever asks from now on learns that no hub is there
  if (has_file) ::unlink(control.c_str());
  const auto account = hub.account();
  tell_account(account, arguments, account_file, streams);
  const auto status = account.lost_at_stop() > 0 ? Status::failed : Status::done;
  if (!hub.abandoned()) return status;
  // A plugin that did not come back still uses what would be torn down now.
  link.ends(static_cast<int>(status));
  std::_Exit(static_cast<int>(status));
}

Status salvage_memory(Streams& streams, keeper::Link& link, const config::Hub& options) {
  const auto memory = link.take(keeper::kMemoryName);
  if (!memory) throw Failure("there is no memory");
  const auto path = worker::salvage(memory->get(), options.data_dir);
  StreamReporter(streams.err.fd(), streams.err.format())
      .warning("salvaged", "the hub's memory is copied, as it is, to " + path,
               "its messages are in there as they were written; the hub does not take them up again by itself");
  return Status::done;
}

Status begin(const Arguments& arguments, Streams& streams, keeper::Link& link) {
  const bool only_saves = arguments.has("spill") || arguments.has("salvage");
  auto plugins = only_saves ? plugin::Registry::of_names() : plugin::Registry(plugin_folders(arguments));
  const bool first = link.names().empty();
  if (!first) plugins.trust();
  Fd configuration;  // stays open, as all that is kept
  const auto loaded = load(arguments.operands()[0], arguments.text("place").value_or(""), plugins, link, configuration);
  if (first || !loaded.ok())
    for (const auto& d : loaded.diagnostics) streams.err.say(d);
  if (!loaded.ok()) return Status::wrong_configuration;
  if (first) {
    StreamReporter reporter(streams.err.fd(), streams.err.format());
    reporter.info(inventory(loaded.hub) + "; at most " + size_text(loaded.hub.memory_max) + " of messages in memory");
  }
  if (arguments.has("salvage")) return salvage_memory(streams, link, loaded.hub);
  return work(arguments, streams, link, loaded.hub);
}

// However it ends by itself, the keeper hears of it before: an end without a word is a death.
Status run_worker(const Arguments& arguments, Streams& streams) {
  auto link = keeper::Link::from_environment();
  streams.err.use(log_format_of(arguments, streams.err.fd()));
  if (!link.kept()) throw WrongUsage("a worker is started by a keeper only", "standpipe run CONFIG");
  streams.err.never_wait_long();
  try {
    const auto status = begin(arguments, streams, link);
    link.ends(static_cast<int>(status));
    return status;
  } catch (const log::Memory::Damaged& damaged) {
    streams.err.error("damaged", std::string("what the last worker left in memory does not hold together: ") + damaged.what());
    link.damaged();
    return Status::failed;
  } catch (const WrongConfiguration&) {
    link.ends(static_cast<int>(Status::wrong_configuration));  // whoever called says what is wrong
    throw;
  } catch (...) {
    link.ends(static_cast<int>(Status::failed));
    throw;
  }
}

}  // namespace

LogFormat log_format_of(const Arguments& arguments, int fd) {
  const auto named = arguments.text("log-format");
  return (named ? parse_log_format(*named) : std::nullopt).value_or(default_log_format(fd));
}

std::vector<std::string> worker_words(const Arguments& run, const std::string& place, LogFormat format, const char* what) {
  std::vector<std::string> words = {"standpipe: worker", std::string(kWorker)};
  for (const auto& folder : run.texts("plugins")) words.insert(words.end(), {"--plugins", folder});
  words.insert(words.end(), {"--place", place});
  for (const char* option : {"control", "account"})
    if (const auto value = run.text(option)) words.insert(words.end(), {std::string("--") + option, *value});
  words.insert(words.end(), {"--log-format", log_format_name(format)});
  if (run.has("json")) words.emplace_back("--json");
  if (*what) words.emplace_back(what);
  words.insert(words.end(), {"--", run.operands()[0]});
  return words;
}

Command worker_command() {
  auto command = run_command();
  command.name = kWorker;
  command.options.push_back(
      {.name = "place", .kind = Kind::file, .value = "PATH", .summary = "where CONFIG was when the hub started"});
  command.options.push_back({.name = "spill", .summary = "save what waits in memory, and end"});
  command.options.push_back({.name = "salvage", .summary = "copy the memory as it is, and end"});
  command.run = run_worker;
  return command;
}

}  // namespace standpipe::cli
