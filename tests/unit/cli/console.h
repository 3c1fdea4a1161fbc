// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "cli/dispatch.h"

namespace kit {

// A command line with its three streams in memory.
class Console {
 public:
  explicit Console(std::string_view input = {}) : in_(memory()), out_(memory()), err_(memory()) {
    std::signal(SIGPIPE, SIG_IGN);
    if (::pwrite(in_.get(), input.data(), input.size(), 0) != static_cast<ssize_t>(input.size()))
      throw std::runtime_error("no input");
  }
  int run(std::vector<std::string> words) { return standpipe::cli::dispatch(words, streams); }
  std::string out() const { return content(out_); }
  std::string err() const { return content(err_); }

 private:
  static standpipe::Fd memory() { return standpipe::Fd(::memfd_create("console", MFD_CLOEXEC)); }
  static std::string content(const standpipe::Fd& fd) {
    struct stat st {};
    ::fstat(fd.get(), &st);
    std::string text(static_cast<std::size_t>(st.st_size), '\0');
    if (::pread(fd.get(), text.data(), text.size(), 0) != st.st_size)
      throw std::runtime_error("no output");
    return text;
  }
  standpipe::Fd in_, out_, err_;

 public:
  standpipe::cli::Streams streams{in_.get(), standpipe::cli::StandardOutput(out_.get()),
                                  standpipe::cli::StandardError(err_.get())};
};

}  // namespace kit
