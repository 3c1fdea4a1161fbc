// SPDX-License-Identifier: Apache-2.0
#include "cli/dispatch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "cli/help.h"
#include "console.h"
#include "plugins/files.h"

using namespace standpipe::cli;
using kit::Console;

TEST_CASE("standpipe alone prints six lines with two examples") {
  Console c;
  CHECK(c.run({}) == 0);
  CHECK(c.out() ==
        "standpipe 0.1.0: a local message hub that takes messages from FIFOs and hands them to "
        "plugins\n"
        "  standpipe demo              see it at work, in less than a minute\n"
        "  standpipe run orders.yaml   start a hub\n"
        "commands: run, check, test, explain, graph, send, recv, stats, reload, handler, dead, "
        "queue, plugin, demo, completion, schema, help\n"
        "a command's options and examples: standpipe COMMAND --help\n"
        "all commands: standpipe help\n");
  CHECK(c.err().empty());
}

TEST_CASE("help begins with examples, and lists every command of the table with its summary") {
  Console c;
  CHECK(c.run({"help"}) == 0);
  const auto help = c.out();
  CHECK(help.starts_with("Examples:\n  standpipe demo\n"));
  CHECK(help.find("\nUsage: standpipe COMMAND [options]\n") != std::string::npos);
  for (const auto& row : table()) {
    INFO(row.name);
    const auto at = help.find("\n  " + std::string(row.name) + "  ");
    REQUIRE(at != std::string::npos);
    const auto line = std::string_view(help).substr(at + 1, help.find('\n', at + 1) - at - 1);
    CHECK(line.ends_with("  " + std::string(row.summary)));
  }
  CHECK(help.find("Exit status: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.\n") !=
        std::string::npos);
}

TEST_CASE("a command's page comes from its row") {
  Console c;
  CHECK(c.run({"check", "--help"}) == 0);
  CHECK(c.out() ==
        "Examples:\n"
        "  standpipe check orders.yaml\n"
        "      ok: 2 sources, 3 handlers, 4 routes\n"
        "  standpipe check conf.d/\n"
        "      all .yaml files of a folder, as one configuration\n"
        "  standpipe check --live orders.yaml\n"
        "      looks at FIFOs, folders and what plugins open as well\n"
        "  standpipe check orders.yaml --json\n"
        "      a mistake a line, for programs, and a last line with \"ok\"\n"
        "\n"
        "Usage: standpipe check CONFIG... [options]\n"
        "\n"
        "Reads the configuration and the descriptions of the plugins that it names, and\n"
        "touches nothing else. The status is 78 when there is a mistake.\n"
        "\n"
        "--live also looks at the machine as a start would find it now: paths that exist\n"
        "as something else, folders that are missing, unknown owners, modes that differ,\n"
        "FIFOs that another hub reads. FIFOs are neither made nor opened, and neither are\n"
        "the files of `log`, whose folder and permissions are looked at. Other plugins are\n"
        "opened, each in a process of its own, for at most 5 s, and closed again: they do\n"
        "what their open does. Plugins are not opened while a hub runs with the same\n"
        "data_dir.\n"
        "Run it as the user that the hub will run as.\n"
        "\n"
        "Options:\n"
        "  -p, --plugins DIR  look for plugins in DIR first; may be given several times\n"
        "      --live         look at the machine as well\n"
        "      --json         JSON on standard output, an object a line\n"
        "  -h, --help         this page\n");
}

TEST_CASE("every row has what its page needs, and fits a terminal") {
  std::set<std::string_view> names;
  for (const auto& c : table()) {
    INFO(c.name);
    CHECK(names.insert(c.name).second);
    CHECK(c.run);
    CHECK_FALSE(c.summary.empty());
    CHECK_FALSE(c.examples.empty());
    CHECK(help_for(c).starts_with("Examples:\n  "));
    for (const auto& o : c.options) CHECK((o.kind == Kind::flag) == o.value.empty());
    std::size_t longest = 0, begin = 0;
    const auto page = help_for(c);
    for (auto end = page.find('\n'); end != std::string::npos;
         begin = end + 1, end = page.find('\n', begin))
      longest = std::max(longest, end - begin);
    CHECK(longest <= 110);
  }
}

TEST_CASE("help COMMAND shows the page that COMMAND --help shows") {
  Console asked, other, group, other_group;
  asked.run({"help", "plugin", "show"});
  other.run({"plugin", "show", "--help"});
  group.run({"help", "plugin"});
  other_group.run({"plugin", "-h"});
  CHECK(asked.out() == other.out());
  CHECK(asked.out().find("standpipe plugin show NAME") != std::string::npos);
  CHECK(group.out() == other_group.out());
  CHECK(group.out().starts_with("Examples:\n  standpipe plugin list\n"));
}

TEST_CASE("a mistyped command is reported with the one that was probably meant") {
  Console c, group, lacks, option;
  CHECK(c.run({"snd", "x"}) == 2);
  CHECK(c.err() ==
        "error: unknown command 'snd'\n"
        "  help: did you mean 'send'? (commands: run, check, test, explain, graph, send, recv, "
        "stats, reload, handler, dead, queue, plugin, demo, completion, schema, help)\n");
  CHECK(group.run({"plugin", "lst"}) == 2);
  CHECK(group.err() ==
        "error: unknown plugin command 'lst'\n  help: did you mean 'list'? (commands: list, show, "
        "new, check)\n");
  CHECK(lacks.run({"plugin"}) == 2);
  CHECK(lacks.err() ==
        "error: plugin needs one more word: list, show, new, check\n  help: e.g. standpipe plugin "
        "list\n");
  CHECK(option.run({"--json", "check"}) == 2);
  CHECK(option.err() ==
        "error: unknown option '--json'\n  help: options come after the command: standpipe COMMAND "
        "[options]\n");
  CHECK((c.out() + group.out() + lacks.out() + option.out()).empty());
}

TEST_CASE("a configuration with mistakes ends in 78, and JSON has them and their number") {
  kit::Folder folder;
  const auto file = folder / "bad.yaml";
  kit::write_file(file, "version: 2\n");
  Console people, programs;
  CHECK(people.run({"check", file}) == 78);
  CHECK(people.out().empty());
  CHECK(people.err().starts_with("error: "));
  CHECK(programs.run({"check", file, "--json"}) == 78);
  CHECK(programs.err().empty());
  const auto json = programs.out();
  const auto lines = std::count(json.begin(), json.end(), '\n');
  CHECK(json.ends_with("{\"ok\":false,\"errors\":" + std::to_string(lines - 1) +
                       ",\"warnings\":0}\n"));
}

TEST_CASE("the script for the shell knows commands, options and choices, and bash accepts it") {
  Console c;
  kit::Folder folder;
  CHECK(c.run({"completion", "bash"}) == 0);
  kit::write_file(folder / "script", c.out());
  const auto completed = [&](const std::string& words) {
    const auto command =
        "bash -c '. " + (folder / "script") + "; COMP_WORDS=(standpipe " + words +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _standpipe; echo ${COMPREPLY[*]}' > " +
        (folder / "got");
    return std::system(command.c_str()) == 0 ? kit::read_file(folder / "got") : "failed";
  };
  CHECK(completed("re") == "recv reload\n");
  CHECK(completed("plugin s") == "show\n");
  CHECK(completed("plugin show --js") == "--json\n");
  CHECK(completed("recv f --format j") == "json\n");
  CHECK(completed("send f --co") == "--count\n");
  CHECK(completed("completion b") == "bash\n");
}

TEST_CASE("zsh and fish complete the same table") {
  for (const std::string shell : {"zsh", "fish"}) {
    Console c;
    CHECK(c.run({"completion", shell}) == 0);
    for (const auto& command : table()) {
      INFO(shell << ' ' << command.name);
      CHECK(c.out().find(command.summary.substr(0, command.summary.find_first_of("':"))) !=
            std::string::npos);
      for (const auto& o : command.options)
        CHECK(c.out().find((shell == "zsh" ? "--" : " -l ") + std::string(o.name)) !=
              std::string::npos);
    }
    kit::Folder folder;
    kit::write_file(folder / "script", c.out());
    const auto there = std::system(("command -v " + shell + " >/dev/null").c_str()) == 0;
    if (there) CHECK(std::system((shell + " -n " + (folder / "script")).c_str()) == 0);
  }
}
