// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>
#include <string>

// Counts what is shouted: the plugin of own-plugin.yaml.
class Shout {
 public:
  static void describe(standpipe::Description& d) {
    d.name("shout").version("1.0").summary("counts what is shouted");
    d.option("mark").fallback("!").summary("what a shout ends in");
  }
  explicit Shout(const standpipe::Options& options)
      : host_(options.host()), mark_(options.text("mark")) {}

  void handle(const standpipe::Message& m) {
    if (m.text().ends_with(mark_)) host_.info("shout number " + std::to_string(++count_));
  }

 private:
  standpipe::Host host_;
  std::string mark_;
  int count_ = 0;
};
STANDPIPE_PLUGIN(Shout)
