// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "base/text.h"
#include "cli/configuration.h"
#include "cli/dispatch.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/reference.h"

namespace standpipe::cli {
namespace {

void write_manual(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    throw Failure::system("make " + folder, errno);
  plugin::Registry plugins(plugin::Registry::default_folders());
  for (const auto& page : manual(plugins)) {
    const auto path = folder + '/' + page.file();
    std::ofstream file(path);
    if (!(file << page.text() << std::flush)) throw Failure::system("write " + path, errno);
  }
}

constexpr const char* kConfig = "config";

Status show_reference(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin::Registry::default_folders());
  if (arguments.has("markdown")) {
    streams.out.write(reference_markdown(plugins));
    return Status::done;
  }
  const auto& words = arguments.operands();
  const auto text = reference_text(plugins, {words.begin() + 1, words.end()});
  if (text.empty())
    throw WrongUsage("no key of a configuration has " + quoted(words.back()) + " in its path",
                     "all of them: standpipe help config");
  streams.out.write(text);
  return Status::done;
}

Status help(const Arguments& arguments, Streams& streams) {
  if (const auto folder = arguments.text("man-pages")) {
    write_manual(*folder);
    return Status::done;
  }
  auto words = arguments.operands();
  if (!words.empty() && words[0] == kConfig) return show_reference(arguments, streams);
  if (arguments.has("markdown"))
    throw WrongUsage("--markdown is for the reference alone", "standpipe help config --markdown");
  if (words.empty()) {
    streams.out.write(long_help());
    return Status::done;
  }
  // As if it had been asked for after the command, with the same messages for what does not exist.
  words.push_back("--help");
  return static_cast<Status>(dispatch(words, streams));
}

}  // namespace

Command help_command() {
  return {
      .name = "help",
      .summary = "lists the commands, shows one command's page, or every key of a configuration",
      .examples = {{"standpipe help", "all commands"},
                   {"standpipe help send", "what `standpipe send --help` shows"},
                   {"standpipe help config", "every key of a configuration"},
                   {"standpipe help config retry", "those that have to do with retry"},
                   {"standpipe help --man-pages ./man",
                    "writes what an installation shows with man standpipe"}},
      .description =
          "Shows a command's page: examples, what it does, its options. `config` in the place\n"
          "of a command shows what a configuration may say: keys, limits, defaults and an\n"
          "example of each, and the options of plugins. Words after it choose among them.",
      .operands = {{.name = "COMMAND", .required = false, .repeated = true, .kind = Kind::text}},
      .options = {{.name = "markdown", .summary = "the page of config as Markdown"},
                  {.name = "man-pages",
                   .kind = Kind::folder,
                   .value = "DIR",
                   .summary = "write all pages into DIR, in the form that man(1) wants"}},
      .run = help};
}

}  // namespace standpipe::cli
