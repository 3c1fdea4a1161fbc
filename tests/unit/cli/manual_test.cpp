// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "cli/command.h"
#include "console.h"
#include "fifo_fixture.h"
#include "places.h"

using namespace standpipe;
using namespace standpipe::cli;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Behind the page's head.
std::string body(const ManualPage& page) {
  return page.text().substr(page.text().find(".SH \"NAME\""));
}

}  // namespace

TEST_CASE("a page's text is what was given: nothing in it is a request or an escape") {
  ManualPage page("x-y", 5, "a page");
  CHECK(page.file() == "x-y.5");
  page.heading("ONE \"TWO");
  page.paragraphs(".TH is\nno 'request', \\n neither: `--bold`");
  CHECK(body(page) ==
        ".SH \"NAME\"\nx\\-y \\- a page\n"
        ".SH \"ONE \\(dqTWO\"\n"
        ".PP\n"
        "\\&.TH is\n"
        "no \\(aqrequest\\(aq, \\en neither: \\fB\\-\\-bold\\fR\n");
}

TEST_CASE("paragraphs with indented lines are examples, or lists where terms stand apart") {
  ManualPage page("p", 1, "a page");
  page.paragraphs(
      "plain\ntext\n\n  shaped\n    more\n\none    first\n       goes on\nother  second\n");
  CHECK(has(body(page),
            ".PP\nplain\ntext\n"
            ".PP\n.EX\n  shaped\n    more\n.EE\n"
            ".TP\n.B one\nfirst\ngoes on\n"
            ".TP\n.B other\nsecond\n"));
}

TEST_CASE("every command has a page with each of its options and examples") {
  plugin::Registry plugins({places::plugins()});
  const auto pages = manual(plugins);
  for (const auto& command : table()) {
    auto file = "standpipe-" + std::string(command.name) + ".1";
    std::ranges::replace(file, ' ', '-');
    INFO(file);
    const auto page = std::ranges::find_if(pages, [&](const auto& p) { return p.file() == file; });
    REQUIRE(page != pages.end());
    for (const auto& o : command.options) {
      ManualPage expected("e", 1, "");
      expected.item("`--" + std::string(o.name) + '`', "");
      const auto item = expected.text().substr(expected.text().rfind(".TP\n") + 4);
      CHECK(has(page->text(), item.substr(0, item.size() - 1)));
    }
    CHECK(has(page->text(), ".SH \"EXAMPLES\"\n.TP\n"));
    CHECK(has(pages[0].text(), std::string(command.summary.substr(0, command.summary.find('\'')))));
  }
}

TEST_CASE("the page of the configuration has the options that plugins declare") {
  plugin::Registry plugins({places::plugins()});
  const auto text = configuration_page(plugins).text();
  for (const auto& name : plugins.names()) {
    plugin::Refused refused;
    const auto* plugin = plugins.find(name, refused);
    REQUIRE(plugin);
    CHECK(has(text, ".SS \"" + name + ": "));
    for (const auto& o : plugin->options) CHECK(has(text, "\\fB" + o.name + "\\fR: "));
  }
}

TEST_CASE("help --man-pages writes the manual into a folder, or says why not") {
  kit::Folder folder;
  kit::Console c, in_vain;
  CHECK(c.run({"help", "--man-pages", folder / "man"}) == 0);
  CHECK(kit::read_file(folder / "man/standpipe-run.1").starts_with(".\\\" Made by standpipe"));
  CHECK(has(kit::read_file(folder / "man/standpipe-plugin.7"), "STANDPIPE_PLUGIN(Shout)"));
  kit::write_file(folder / "file", "");
  CHECK(in_vain.run({"help", "--man-pages", folder / "file"}) == 1);
  CHECK(has(in_vain.err(),
            "error: cannot write " + (folder / "file") + "/standpipe.1: Not a directory"));
}
