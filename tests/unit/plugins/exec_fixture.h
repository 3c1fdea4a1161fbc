// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "eventually.h"
#include "files.h"
#include "kit.h"

namespace kit {

// Programs that `exec` runs, made by a test.
class Programs {
 public:
  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::string text(const std::string& file) const { return read_file(folder_ / file); }

  // A script with its interpreter in the first line.
  std::string script(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0755);
    return path;
  }
  // frames(): the messages; say(...): answers.
  std::string python(const std::string& body) const {
    return script("program.py",
                  "#!/usr/bin/env -S python3 -ISB\n"
                  "import os, signal, struct, sys, time\n"
                  "def read(n):\n"
                  "    data = sys.stdin.buffer.read(n)\n"
                  "    if len(data) < n: sys.exit(0)\n"
                  "    return data\n"
                  "def frames():\n"
                  "    while True: yield read(struct.unpack('<I', read(4))[0])\n"
                  "def say(line, more=b''):\n"
                  "    sys.stdout.buffer.write(line.encode() + b'\\n' + more)\n"
                  "    sys.stdout.buffer.flush()\n"
                  "def pairs(*all):\n"
                  "    return b''.join(struct.pack('<II', len(n), len(v)) + n + v for n, v in "
                  "all)\n" +
                      body);
  }
  std::string sh(const std::string& body) const {
    return script("program.sh", "#!/bin/sh\n" + body);
  }
  // Compiles C.
  std::string c(const std::string& source) const {
    std::ofstream(folder_ / "program.c") << source;
    const auto out = folder_ / "program";
    const auto command = "cc -O2 -Wall -Wextra -Werror -o '" + out + "' '" + out + ".c'";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("no C compiler");
    return out;
  }
  Options options(const std::string& program, const Options& more = {}) const {
    Options all{{"command", "[" + program + "]"}, {"cwd", folder_.path()}};
    all.insert(more.begin(), more.end());
    return all;
  }

 private:
  Folder folder_;
};

// An exec with its host.
struct Exec {
  explicit Exec(const Options& options) : handler(kit::load("exec"), host, options) {}
  bool has_reported(const std::string& text) const {
    for (const auto& line : host.reported)
      if (line.find(text) != std::string::npos) return true;
    return false;
  }
  standpipe::testing::Host host;
  Handler handler;
};

// Open descriptors of this process, with what they lead to.
inline std::size_t open_descriptors() {
  std::size_t count = 0;
  if (DIR* folder = ::opendir("/proc/self/fd")) {
    while (::readdir(folder)) ++count;
    ::closedir(folder);
  }
  return count;
}

// Whether that process runs: one that nobody has waited for does not.
inline bool runs(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && text.substr(name_end + 2, 1) != "Z";
}

}  // namespace kit
