// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <algorithm>
#include <string>

#include "cli/command.h"
#include "cli/help.h"

namespace standpipe::cli {
namespace {

std::string page_name(const Command& command) {
  auto name = "standpipe-" + std::string(command.name);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string manual_label(const Option& option) {
  std::string text = option.letter ? std::string("`-") + option.letter + "`, " : "";
  text += "`--" + std::string(option.name) + '`';
  return option.value.empty() ? text : text + ' ' + std::string(option.value);
}

void add_examples(ManualPage& page, const Command& command) {
  page.heading("EXAMPLES");
  for (const auto& e : command.examples) page.item('`' + std::string(e.line) + '`', e.what);
}

void add_exit_status(ManualPage& page) {
  page.heading("EXIT STATUS");
  page.item("`0`", "Done.");
  page.item("`1`", "Failed; standard error says why.");
  page.item("`2`", "Wrong usage.");
  page.item("`78`", "Wrong configuration.");
}

ManualPage command_page(const Command& command) {
  ManualPage page(page_name(command), 1, command.summary);
  page.heading("SYNOPSIS");
  page.paragraphs(usage_of(command));
  page.heading("DESCRIPTION");
  page.paragraphs(command.description);
  page.heading("OPTIONS");
  for (const auto& o : command.options) {
    auto text = std::string(o.summary);
    for (const auto choice : o.choices)
      if (text.find(choice) == std::string::npos) text += "; " + std::string(choice);
    page.item(manual_label(o), text + '.');
  }
  page.item("`-h`, `--help`", "This page, in short.");
  add_examples(page, command);
  add_exit_status(page);
  page.heading("SEE ALSO");
  page.paragraphs("standpipe(1), standpipe.yaml(5)");
  return page;
}

void add_files(ManualPage& page) {
  page.heading("FILES");
  page.item("`/etc/standpipe/NAME.yaml`",
            "The configuration of the service `standpipe@NAME.service`, which is started by\n"
            "`systemctl enable --now standpipe@NAME`.");
  page.item("`/var/lib/standpipe/`",
            "What must survive a hub of the service or of root: spilled messages, dead letters.");
  page.item("`/run/standpipe/`", "The control socket of such a hub, and a place for its FIFOs.");
}

void add_environment(ManualPage& page) {
  page.heading("ENVIRONMENT");
  page.item(
      "`STANDPIPE_PLUGIN_PATH`",
      "Folders to look for plugins in, with colons between, before those of the installation.");
  page.item("`NO_COLOR`", "When it is set, nothing is coloured.");
  page.item("`XDG_RUNTIME_DIR`, `XDG_STATE_HOME`, `STATE_DIRECTORY`",
            "Where control sockets and data folders are by default.");
  page.item("`NOTIFY_SOCKET`, `WATCHDOG_USEC`", "How `run` talks to a service manager.");
}

ManualPage first_page() {
  ManualPage page("standpipe", 1, "a local message hub");
  page.heading("SYNOPSIS");
  page.paragraphs("`standpipe` COMMAND [options]\n\n`standpipe --version`");
  page.heading("DESCRIPTION");
  page.paragraphs(
      "Programs write framed messages into named FIFOs; the hub hands each message to the "
      "handlers\n"
      "that a configuration names: it shows it, writes it to a file, forwards it into another "
      "FIFO,\n"
      "or does whatever a plugin does.\n\n"
      "A frame is the payload's length, in 4 bytes, little endian, then the payload.");
  page.heading("COMMANDS");
  for (const auto& c : table()) page.item(page_name(c) + "(1)", std::string(c.summary) + '.');
  add_exit_status(page);
  add_environment(page);
  add_files(page);
  page.heading("EXAMPLES");
  page.item("`standpipe demo`", "See it at work, in less than a minute.");
  page.item("`standpipe run orders.yaml`", "Start a hub.");
  page.item("`standpipe send /run/standpipe/orders 'a message'`",
            "Put a message into a hub's FIFO.");
  page.heading("SEE ALSO");
  page.paragraphs("standpipe.yaml(5), standpipe-plugin(7)");
  return page;
}

}  // namespace

std::vector<ManualPage> manual(plugin::Registry& plugins) {
  std::vector<ManualPage> pages = {first_page(), configuration_page(plugins), plugin_author_page()};
  for (const auto& c : table()) pages.push_back(command_page(c));
  return pages;
}

}  // namespace standpipe::cli
