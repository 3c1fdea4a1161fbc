// SPDX-License-Identifier: Apache-2.0
#include "config/live.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <standpipe/open.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/data_folder.h"
#include "base/failure.h"
#include "base/file_kind.h"
#include "base/text.h"
#include "plugin/handler.h"
#include "plugin/trial.h"
#include "source/create_fifo.h"
#include "source/fifo_claim.h"

namespace standpipe::config {
namespace {

namespace fs = std::filesystem;

constexpr Nanoseconds kLiveOpenMax = std::chrono::seconds(5);  // of one handler
constexpr Nanoseconds kLiveMax = std::chrono::seconds(60);     // of all of them

// A text that a child writes and its parent reads.
class SharedText {
 public:
  SharedText()
      : at_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {}
  ~SharedText() {
    if (works()) ::munmap(at_, kBytes);
  }
  SharedText(const SharedText&) = delete;
  SharedText& operator=(const SharedText&) = delete;
  bool works() const { return at_ != MAP_FAILED; }
  void write(std::string_view text) {
    auto* to = static_cast<char*>(at_);
    const auto bytes = std::min(text.size(), kBytes - 1);
    std::memcpy(to, text.data(), bytes);
    to[bytes] = '\0';
  }
  std::string read() const {
    const auto* from = static_cast<const char*>(at_);
    return {from, ::strnlen(from, kBytes - 1)};
  }

 private:
  static constexpr std::size_t kBytes = 4096;
  void* at_;
};

// Lets a plugin open, and makes nothing for it.
class LiveHost final : public plugin::HostServices {
 public:
  void log(std::uint32_t, std::string_view) override {}
  std::uint64_t now() override { return static_cast<std::uint64_t>(SystemClock().wall().count()); }
  bool stopping() override { return false; }
  std::uint32_t add_fifo(const plugin::FifoOutputRequest& request, std::string& why) override;
  // How what it asked for differs from what is there.
  const std::string& remark() const { return remark_; }

 private:
  std::uint32_t outputs_ = 0;
  std::string remark_;
};

std::uint32_t LiveHost::add_fifo(const plugin::FifoOutputRequest& request, std::string& why) try {
  const auto found = source::inspect_fifo({.path = request.path,
                                           .mode = request.mode,
                                           .mode_matters = request.mode_given,
                                           .create = request.create,
                                           .trust_others = request.trust_others});
  if (found && !found->differs.empty()) remark_ = request.path + ' ' + found->differs;
  return ++outputs_;
} catch (const Failure& failure) {
  why = failure.what() + (failure.help().empty() ? "" : ": " + failure.help());
  return 0;
}

class LiveCheck {
 public:
  LiveCheck(Context& context, const HubOptions& hub, const Sources& sources,
            const Handlers& handlers, const Spot& data_dir)
      : context_(context), hub_(hub), sources_(sources), handlers_(handlers), data_dir_(data_dir) {}
  void run();

 private:
  void check_data_dir();
  void check_place_of_data_dir();
  bool reads_sources() const;
  void check_source(std::size_t number);
  void check_reader(const Spot& spot, const std::string& path, const FileId& fifo);
  void check_handlers();
  void check_handler(std::size_t number, SharedText& reason);
  void check_user(const deliver::HandlerOptions& options, const Spot& spot, const char* kind);
  bool check_own_files_of(std::size_t number);
  void check_own_file(const OwnFile& file, bool makes_folders);
  void add(Severity severity, const Spot& spot, const char* code, std::string message,
           std::string help);

  Context& context_;
  const HubOptions& hub_;
  const Sources& sources_;
  const Handlers& handlers_;
  Spot data_dir_;
  std::optional<pid_t> running_;  // the hub that has the data folder
};

void LiveCheck::add(Severity severity, const Spot& spot, const char* code, std::string message,
                    std::string help) {
  Diagnostic d{.severity = severity, .code = code, .message = std::move(message)};
  if (!help.empty()) d.help.push_back(std::move(help));
  context_.mistakes.add(spot, std::move(d));
}

void LiveCheck::run() {
  check_data_dir();
  for (std::size_t i = 0; i < hub_.sources.size(); ++i) check_source(i);
  if (!running_) check_handlers();
}

void LiveCheck::check_data_dir() {
  check_place_of_data_dir();
  running_ = DataFolder::holder_of(hub_.data_dir);
  if (!running_) return;
  const auto process = *running_ > 0 ? " (process " + std::to_string(*running_) + ")" : "";
  const auto has_it = process + " has the data folder " + shown(hub_.data_dir);
  if (!reads_sources())
    return add(Severity::error, data_dir_, "live-data-dir",
               "another hub" + has_it + ", and reads none of these sources",
               "set data_dir in one of them, or stop that one");
  add(Severity::warning, data_dir_, kHubRuns, "a hub" + has_it,
      "it is this configuration's own; its handlers are not tried, for it has what they would "
      "open");
}

// Whether the hub that has the data folder is this configuration's.
bool LiveCheck::reads_sources() const {
  const auto is_fifo = [](const auto& source) { return source.origin == source::Origin::fifo; };
  if (std::none_of(hub_.sources.begin(), hub_.sources.end(), is_fifo)) return true;  // as it seems
  return std::any_of(hub_.sources.begin(), hub_.sources.end(), [&](const auto& source) {
    const auto fifo = is_fifo(source) ? FileId::at(source.path) : std::nullopt;
    return fifo && source::claimant(*fifo) == running_;
  });
}

// Makes a folder and removes it again: what permissions say is not all (root, /proc, a full disk).
int why_no_folder_in(const fs::path& at) {
  const auto probe = (at / (".standpipe-" + std::to_string(::getpid()))).string();
  if (::mkdir(probe.c_str(), 0700) != 0) return errno;
  ::rmdir(probe.c_str());
  return 0;
}

// It is made when it is missing, with the folders above it.
void LiveCheck::check_place_of_data_dir() {
  fs::path at = hub_.data_dir;
  struct stat st {};
  while (::stat(at.c_str(), &st) != 0 && at.has_relative_path()) {
    if (errno != ENOENT)
      return add(Severity::error, data_dir_, "live-data-dir",
                 "cannot look at " + shown(at.string()) + ": " + std::strerror(errno),
                 "set data_dir to a folder that the hub's user may use");
    at = at.parent_path();
  }
  if (!S_ISDIR(st.st_mode))
    return add(Severity::error, data_dir_, "live-data-dir",
               "data_dir cannot be " + shown(hub_.data_dir) + ": " + shown(at.string()) + " is " +
                   file_kind(st.st_mode),
               "move that away, or set another data_dir");
  if (const int problem = why_no_folder_in(at))
    return add(Severity::error, data_dir_, "live-data-dir",
               "data_dir cannot be " + shown(hub_.data_dir) + ": " + shown(at.string()) +
                   " cannot be written to: " + std::strerror(problem),
               "run this as the hub's user, or set another data_dir");
  const paths::Opened opened = paths::open_existing(at.string(), O_PATH | O_DIRECTORY, {});
  if (!opened)
    add(Severity::error, data_dir_, "live-data-dir", opened.problem().text, opened.problem().help);
}

// A source plugin is not opened: it might take messages away from whoever has them.
void LiveCheck::check_source(std::size_t number) try {
  const auto& options = hub_.sources[number];
  if (options.origin == source::Origin::plugin)
    return check_user(hub_.source_plugins[options.from], sources_.names.spot(number), "source");
  if (options.origin == source::Origin::handler) return;
  const auto found = source::inspect_fifo(source::request_of(options));
  if (!found) return;
  const auto& spot = sources_.fifo[number];
  if (!found->differs.empty())
    add(Severity::warning, spot, "live-fifo-differs", options.path + ' ' + found->differs,
        "change it (chmod, chown), or remove it: the hub makes it as the configuration says");
  check_reader(spot, options.path, found->id);
} catch (const Failure& failure) {
  add(Severity::error, sources_.fifo[number], "live-fifo", failure.what(), failure.help());
}

void LiveCheck::check_reader(const Spot& spot, const std::string& path, const FileId& fifo) {
  const auto other = source::claimant(fifo);
  if (!other || other == running_) return;
  add(Severity::error, spot, "live-fifo-read",
      "another hub (process " + std::to_string(*other) + ") reads " + path +
          "; each would get pieces of messages",
      "stop that one, or give this source a FIFO of its own");
}

void LiveCheck::check_handlers() {
  SharedText reason;
  if (!reason.works()) return;
  const auto end = SystemClock().steady() + kLiveMax;
  for (std::size_t i = 0; i < handlers_.options.size(); ++i) {
    if (SystemClock().steady() > end)
      return add(Severity::warning, handlers_.names.spot(i), "live-not-tried",
                 counted(handlers_.options.size() - i, "handler") + " from here on are not tried",
                 "the others took longer than " + duration_text(kLiveMax));
    check_handler(i, reason);
  }
}

bool makes_folders(const deliver::HandlerOptions& handler) {
  const auto& options = handler.plugin->options;
  for (std::size_t i = 0; i < options.size() && i < handler.values.size(); ++i)
    if (options[i].name == "create_folders") return handler.values[i].integer != 0;
  return false;
}

// What is in the way of a file in that folder; empty: nothing.
std::string why_no_file_in(const std::string& folder, bool makes_folder) {
  struct stat st {};
  if (::stat(folder.c_str(), &st) != 0)
    return makes_folder ? "" : "the folder " + folder + " does not exist";
  if (!S_ISDIR(st.st_mode)) return folder + " is " + file_kind(st.st_mode);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? "" : folder + ": " + std::strerror(errno);
}

// The same of a file that a handler appends to.
std::string why_no_file(const std::string& path, bool makes_folder) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0)
    return why_no_file_in(fs::path(path).parent_path().string(), makes_folder);
  if (S_ISDIR(st.st_mode)) return path + " is a folder";
  return ::access(path.c_str(), W_OK) == 0 ? "" : path + ": " + std::strerror(errno);
}

// Where a path's last '/' is that is no part of a placeholder, as in {json:/device}.
std::size_t end_of_folder(const std::string& path) {
  auto end = std::string::npos;
  int depth = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '{') ++depth;
    if (path[i] == '}') --depth;
    if (path[i] == '/' && depth == 0) end = i;
  }
  return end;
}

void LiveCheck::check_own_file(const OwnFile& file, bool makes_folders) {
  std::string why;
  if (file.pattern.empty()) {
    why = why_no_file(file.path, makes_folders);
  } else {
    const auto folder = file.path.substr(0, end_of_folder(file.path));
    if (folder.find('{') != folder.npos) return;  // messages choose the folder
    why = why_no_file_in(folder, makes_folders);
  }
  if (why.empty()) return;
  add(Severity::error, file.spot, "live-file",
      "handler '" + shown(file.handler) + "' cannot write its file: " + shown(why),
      "a hub starts all the same, tries it again, and its messages wait");
}

// Opening could mend, rotate or move such a file, so it is looked at instead. false: it has none.
bool LiveCheck::check_own_files_of(std::size_t number) {
  const auto& handler = handlers_.options[number];
  const auto& options = handler.plugin->options;
  if (std::none_of(options.begin(), options.end(), [](const auto& o) { return o.is_own_file; }))
    return false;
  for (const auto& file : context_.own_files)
    if (file.handler == handler.name) check_own_file(file, makes_folders(handler));
  return true;
}

// Of a process of its own; a hub does not start where it cannot become that.
void LiveCheck::check_user(const deliver::HandlerOptions& options, const Spot& spot,
                           const char* kind) {
  if (options.user.empty()) return;
  const auto who = std::string(kind) + " '" + shown(options.name) + "' ";
  const auto* user = ::getpwnam(options.user.c_str());
  if (!user)
    add(Severity::error, spot, "live-user",
        who + "is to run as " + shown(options.user) + ", and there is no such user",
        "make that user (useradd --system), or correct 'user'");
  else if (::geteuid() != 0 && ::geteuid() != user->pw_uid)
    add(Severity::error, spot, "live-user",
        who + "is to run as " + shown(options.user) + ", which only a hub of root's can do",
        "run the hub as root, or remove 'user'");
}

void LiveCheck::check_handler(std::size_t number, SharedText& reason) {
  const auto& options = handlers_.options[number];
  const auto& spot = handlers_.names.spot(number);
  check_user(options, spot, "handler");
  if (check_own_files_of(number)) return;
  reason.write("");
  const auto fault = plugin::fault_in_child(
      [&] {
        LiveHost host;
        plugin::Handler handler(*options.plugin, options.name, host);
        auto answer = handler.create(options.values);
        if (answer.ok()) answer = handler.open();
        if (!answer.ok())
          reason.write("!" + answer.reason);
        else if (!host.remark().empty())
          reason.write(host.remark());
      },
      kLiveOpenMax);
  const auto said = reason.read();
  const auto who = "handler '" + options.name + "'";
  if (fault)
    add(Severity::error, spot, "live-plugin",
        who + ": its plugin " + *fault + " when it was opened",
        "that is a mistake in the plugin, or what it opens does not answer");
  else if (said.starts_with('!'))
    add(Severity::error, spot, "live-plugin", who + " cannot open: " + shown(said.substr(1)),
        "a hub starts all the same, tries it again, and its messages wait");
  else if (!said.empty())
    add(Severity::warning, spot, "live-fifo-differs", who + ": " + shown(said),
        "change it (chmod, chown), or remove it: the hub makes it as the configuration says");
}

}  // namespace

void check_live(Context& context, const HubOptions& hub, const Sources& sources,
                const Handlers& handlers, const Spot& data_dir) {
  LiveCheck(context, hub, sources, handlers, data_dir).run();
}

}  // namespace standpipe::config
