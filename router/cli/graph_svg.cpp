// SPDX-License-Identifier: Apache-2.0
#include "cli/graph_svg.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/failure.h"
#include "base/fd.h"

namespace standpipe::cli {
namespace {

constexpr const char* kInstead =
    "install graphviz (on Debian: apt-get install graphviz), or use --format dot or mermaid";

// Files in memory instead of pipes: neither side can wait for the other.
Fd file_of(const std::string& content) {
  Fd file(::memfd_create("graph", MFD_CLOEXEC));
  if (!file) throw Failure::system("make a file in memory", errno);
  for (std::size_t at = 0; at < content.size();) {
    const auto n = ::write(file.get(), content.data() + at, content.size() - at);
    if (n < 0) throw Failure::system("write to a file in memory", errno);
    at += static_cast<std::size_t>(n);
  }
  (void)::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content_of(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) throw Failure::system("read a file in memory", errno);
  std::string content(static_cast<std::size_t>(st.st_size), '\0');
  for (std::size_t at = 0; at < content.size();) {
    const auto n =
        ::pread(file.get(), content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (n <= 0) throw Failure::system("read a file in memory", errno);
    at += static_cast<std::size_t>(n);
  }
  return content;
}

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  void connect(const Fd& file, int to) {
    ::posix_spawn_file_actions_adddup2(&actions_, file.get(), to);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

std::string svg_by_graphviz(const std::string& dot) {
  const auto in = file_of(dot), out = file_of("");
  Actions actions;
  actions.connect(in, STDIN_FILENO);
  actions.connect(out, STDOUT_FILENO);
  std::string program = "dot", format = "-Tsvg";
  char* const words[] = {program.data(), format.data(), nullptr};
  pid_t pid = -1;
  const auto error = ::posix_spawnp(&pid, words[0], actions.get(), nullptr, words, environ);
  if (error == ENOENT)
    throw Failure("svg is made by graphviz, and there is no program `dot`", kInstead);
  if (error != 0) throw Failure::system("start `dot`", error, kInstead);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Failure("graphviz' `dot` failed on the graph", "use --format dot to see it");
  return content_of(out);
}

}  // namespace standpipe::cli
