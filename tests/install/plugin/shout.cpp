// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

#include <string>

// A handler as an author elsewhere would write it: it knows nothing but the installed headers.
class Shout {
 public:
  static void describe(standpipe::Description& d) {
    d.name("shout").version("1.0").summary("counts what is shouted");
  }
  explicit Shout(const standpipe::Options& options) : host_(options.host()) {}
  void handle(const standpipe::Message& m) {
    if (m.text().ends_with('!')) host_.info("shout number " + std::to_string(++count_));
  }

 private:
  standpipe::Host host_;
  int count_ = 0;
};
STANDPIPE_PLUGIN(Shout)
