// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

namespace standpipe::cli {
namespace {

constexpr const char* kPluginIsWhat =
    "A plugin is a shared object, NAME.so, with one export, `standpipe_plugin_v1`, which returns "
    "a\n"
    "constant description: its name, its options, and the functions of its handler. The contract "
    "is\n"
    "the C header `standpipe/plugin.h`; the C++ face on top of it, `standpipe/plugin.hpp`, "
    "consists of\n"
    "headers only. A plugin links nothing of the hub. It states the lowest minor version of the\n"
    "contract that it can live with, and a hub that is older refuses it.";

constexpr const char* kPluginExample =
    "#include <standpipe/plugin.hpp>\n"
    "\n"
    "class Shout {\n"
    " public:\n"
    "  static void describe(standpipe::Description& d) {\n"
    "    d.name(\"shout\").version(\"1.0\").summary(\"counts what is shouted\");\n"
    "  }\n"
    "  explicit Shout(const standpipe::Options& options) : host_(options.host()) {}\n"
    "  void handle(const standpipe::Message& m) {\n"
    "    if (m.text().ends_with('!')) host_.info(\"shout \" + std::to_string(++count_));\n"
    "  }\n"
    "\n"
    " private:\n"
    "  standpipe::Host host_;\n"
    "  int count_ = 0;\n"
    "};\n"
    "STANDPIPE_PLUGIN(Shout)\n";

constexpr const char* kPluginByCMake =
    "find_package(Standpipe REQUIRED)\n"
    "standpipe_add_plugin(shout SOURCES shout.cpp)\n";

constexpr const char* kPluginByHand =
    "g++ -std=c++20 -O2 -fPIC -shared shout.cpp $(pkg-config --cflags --libs standpipe) -o "
    "shout.so\n";

constexpr const char* kPluginOutcomes =
    "A message is delivered when its handler returns. For another outcome, a C++ handler throws:\n"
    "`standpipe::reject`, the message can never be handled; `standpipe::retry`, it is redelivered "
    "later;\n"
    "`standpipe::disconnected`, the far side is away: the handler is closed and opened again, and "
    "no\n"
    "attempt is counted; `standpipe::fatal`, the handler is held until a person acts. Any other\n"
    "exception is a retry. A message may be delivered twice after a crash, and only then.";

}  // namespace

ManualPage plugin_author_page() {
  ManualPage page("standpipe-plugin", 7, "how to write a plugin for a hub");
  page.heading("SYNOPSIS");
  page.verbatim(kPluginExample);
  page.heading("DESCRIPTION");
  page.paragraphs(kPluginIsWhat);
  page.heading("OUTCOMES");
  page.paragraphs(kPluginOutcomes);
  page.heading("BUILDING");
  page.paragraphs("By CMake:");
  page.verbatim(kPluginByCMake);
  page.paragraphs("By hand:");
  page.verbatim(kPluginByHand);
  page.heading("TESTING");
  page.paragraphs(
      "`standpipe plugin new shout` makes a folder that has all of this, and tests. They use\n"
      "standpipe/testing.hpp, which stands in for the hub: it feeds messages and shows outcomes, "
      "by any\n"
      "test framework. `standpipe plugin check ./shout.so` tries whether the plugin keeps the "
      "contract:\n"
      "what it leaks, writes to, waits for, and cannot bear.");
  page.heading("USING");
  page.paragraphs(
      "`standpipe plugin show ./shout.so` shows what it declares. A configuration names it,\n"
      "`plugin: shout`, and `standpipe run --plugins DIR` finds it in DIR; or it lies in a folder "
      "of\n"
      "`$STANDPIPE_PLUGIN_PATH`, or with the plugins of the installation, whose folder is\n"
      "`pkg-config --variable plugindir standpipe`.");
  page.heading("SEE ALSO");
  page.paragraphs(
      "standpipe(1), standpipe.yaml(5), standpipe-plugin-new(1), standpipe-plugin-check(1), "
      "standpipe-plugin-show(1)");
  return page;
}

}  // namespace standpipe::cli
