// SPDX-License-Identifier: Apache-2.0
#include "cli/work_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include "base/failure.h"
#include "base/text.h"
#include "cli/status.h"

namespace standpipe::cli {
namespace {

constexpr std::string_view kPlace = "{}";

std::string errno_text(int error) { return std::generic_category().message(error); }

class WordSplitter {
 public:
  std::vector<std::string> split(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '\\' && quote_ != '\'' && i + 1 < line.size())
        add(line[++i]);
      else if (quote_ ? c == quote_ : (c == '\'' || c == '"'))
        turn_quote(c);
      else if (!quote_ && (c == ' ' || c == '\t'))
        end_word();
      else
        add(c);
    }
    if (quote_)
      throw WrongUsage(std::string("--exec: a ") + quote_ + " has no end", "close the quote");
    end_word();
    return std::move(words_);
  }

 private:
  void add(char c) {
    word_ += c;
    is_in_word_ = true;
  }
  void turn_quote(char c) {
    quote_ = quote_ ? '\0' : c;
    is_in_word_ = true;  // '' is an empty word
  }
  void end_word() {
    if (is_in_word_) words_.push_back(std::move(word_));
    word_.clear();
    is_in_word_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  char quote_ = '\0';
  bool is_in_word_ = false;
};

// A mistyped command must not cost a message.
bool can_be_found(const std::string& command) {
  if (command.find('/') != std::string::npos) return ::access(command.c_str(), X_OK) == 0;
  const char* path = ::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access(((folder.empty() ? "." : folder) + '/' + command).c_str(), X_OK) == 0) return true;
  return false;
}

std::string with_message(std::string word, const std::string& message) {
  for (auto at = word.find(kPlace); at != word.npos; at = word.find(kPlace, at + message.size()))
    word.replace(at, kPlace.size(), message);
  return word;
}

// A file in memory is what it reads: nobody has to feed it, however large the message is.
Fd input_with(const std::string& message) {
  Fd file(::memfd_create("message", MFD_CLOEXEC));
  std::size_t written = 0;
  while (file && written < message.size()) {
    const auto n = ::write(file.get(), message.data() + written, message.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fd();
    written += static_cast<std::size_t>(n);
  }
  if (file) (void)::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Of the child: signals as they are usual, and a group of its own, so that Ctrl-C lets it finish.
class SpawnRules {
 public:
  explicit SpawnRules(int input) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  int spawn(pid_t& pid, const std::vector<char*>& words) const {
    return ::posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string help_for_missing(const std::string& command, std::string_view line) {
  if (line.find_first_of(";|&<>$`") != line.npos)
    return "it is run without a shell; to have one: --exec \"sh -c '...'\"";
  return command.find('/') == std::string::npos ? "it is searched in PATH" : "";
}

}  // namespace

WorkCommand::WorkCommand(std::string_view line) : words_(WordSplitter().split(line)) {
  if (words_.empty()) throw WrongUsage("--exec has no command", "e.g. --exec 'jq .total'");
  if (!can_be_found(words_[0]))
    throw Failure("there is no command " + escaped(words_[0]), help_for_missing(words_[0], line));
  for (const auto& word : words_) has_place_ = has_place_ || word.find(kPlace) != word.npos;
}

WorkCommand::Started WorkCommand::start(const std::string& message) const {
  if (has_place_ && message.find('\0') != std::string::npos)
    return {0, Fd(), "it has a NUL byte, which no argument can have"};
  const auto input =
      has_place_ ? Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)) : input_with(message);
  if (!input) return {0, Fd(), "no standard input for it: " + errno_text(errno)};
  std::vector<std::string> words;
  for (const auto& word : words_) words.push_back(has_place_ ? with_message(word, message) : word);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  Started started;
  if (const int error = SpawnRules(input.get()).spawn(started.pid, pointers))
    return {0, Fd(), "cannot start " + words_[0] + ": " + errno_text(error)};
  started.ended.reset(static_cast<int>(::syscall(SYS_pidfd_open, started.pid, 0)));
  return started;
}

}  // namespace standpipe::cli
