// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "cli/configuration.h"
#include "cli/dispatch.h"
#include "cli/help.h"
#include "cli/manual.h"

namespace standpipe::cli {
namespace {

void write_manual(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) throw Failure::system("make " + folder, errno);
  plugin::Registry plugins(plugin::Registry::default_folders());
  for (const auto& page : manual(plugins)) {
    const auto path = folder + '/' + page.file();
    std::ofstream file(path);
    if (!(file << page.text() << std::flush)) throw Failure::system("write " + path, errno);
  }
}

Status help(const Arguments& arguments, Streams& streams) {
  if (const auto folder = arguments.text("man-pages")) {
    write_manual(*folder);
    return Status::done;
  }
  auto words = arguments.operands();
  if (words.empty()) {
    streams.out.write(long_help());
    return Status::done;
  }
  // As if it had been asked for behind the command, with the same messages for what does not exist.
  words.push_back("--help");
  return static_cast<Status>(dispatch(words, streams));
}

}  // namespace

Command help_command() {
  return {.name = "help",
          .summary = "lists the commands, or shows one command's page",
          .examples = {{"standpipe help", "all commands"},
                       {"standpipe help send", "what `standpipe send --help` shows"},
                       {"standpipe help --man-pages ./man", "writes what an installation shows with man standpipe"}},
          .description = "Shows a command's page: examples, what it does, its options.",
          .operands = {{.name = "COMMAND", .required = false, .repeated = true, .kind = Kind::text}},
          .options = {{.name = "man-pages",
                       .kind = Kind::folder,
                       .value = "DIR",
                       .summary = "write all pages into DIR, in the form that man(1) wants"}},
          .run = help};
}

}  // namespace standpipe::cli
