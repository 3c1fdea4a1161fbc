// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/show.h"
#include "plugin/registry.h"
#include "scaffold/scaffold.h"

namespace standpipe::cli {
namespace {

void refuse_taken_name(const std::string& name) {
  const plugin::Registry plugins(plugin::Registry::default_folders());
  for (const auto& known : plugins.names())
    if (known == name)
      throw Failure("there is a plugin " + quoted(name) + " already",
                    "choose another name: the first one that is found is used");
}

Status make_plugin(const Arguments& arguments, Streams& streams) {
  const auto& name = arguments.operands()[0];
  const auto language = arguments.text("lang").value_or("cpp");
  const auto kind = arguments.text("kind").value_or("handler");
  if (const auto problem = scaffold::name_problem(name))
    throw WrongUsage(quoted(name) + ' ' + problem->what, problem->help);
  refuse_taken_name(name);
  const auto folder = arguments.text("into").value_or(name);
  const auto files = scaffold::write(name, language, kind, folder);
  std::string text;
  for (const auto& file : files) text += printable(folder + '/' + file) + '\n';
  streams.out.write(text + "\nnext:\n  cd " + shell_quoted(folder) + " && make test check");
  streams.out.write(scaffold::is_compiled(language)
                        ? "     # or: cmake -S . -B build && cmake --build build && "
                          "ctest --test-dir build\n"
                        : "\n");
  return Status::done;
}

}  // namespace

Command plugin_new_command() {
  return {
      .name = "plugin new",
      .summary = "makes a folder for a plugin of your own, with tests",
      .examples = {{"standpipe plugin new shout", "./shout, in C++"},
                   {"standpipe plugin new shout --lang c", "in C"},
                   {"standpipe plugin new shout --lang python", "in Python, run by exec"},
                   {"standpipe plugin new shout --lang any",
                    "in sh, to show what any program does"},
                   {"standpipe plugin new clock --kind source", "that brings messages"},
                   {"standpipe plugin new clock --kind source --lang python",
                    "the same in Python: each kind is there in each language"},
                   {"standpipe plugin new tidy --kind transform", "that makes others of them"}},
      .description =
          "The folder builds as it is, by CMake and by make: a handler with one option (or a "
          "source\n"
          "that goes on where it was, or a handler that emits), its tests,\n"
          "a configuration with tests, and a README that says how each is run. It needs what the\n"
          "package standpipe-dev installs, a compiler, and pkg-config or CMake. Nothing that is\n"
          "there is overwritten.\n"
          "\n"
          "In Python, or in any other language, it is a program that the plugin exec runs: nothing "
          "is\n"
          "built, and the hub needs no plugin of its own for it.",
      .operands = {{.name = "NAME", .kind = Kind::text}},
      .options = {{.name = "kind",
                   .kind = Kind::choice,
                   .value = "KIND",
                   .summary = "handler (the default), source, or transform: a handler that emits",
                   .choices = {"handler", "source", "transform"}},
                  {.name = "lang",
                   .kind = Kind::choice,
                   .value = "LANGUAGE",
                   .summary = "cpp (the default), c, python, or any: a program that exec runs",
                   .choices = {"cpp", "c", "python", "any"}},
                  {.name = "into",
                   .kind = Kind::folder,
                   .value = "DIR",
                   .summary = "the folder that is made, ./NAME by default"}},
      .run = make_plugin};
}

}  // namespace standpipe::cli
