// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <standpipe/plugin.hpp>
#include <string>

namespace {

// It lies: it is called on the hub's loop, and blocks.
class Hanging {
 public:
  static void describe(standpipe::Description& d) {
    d.name("hanging").version("1.0").summary(
        "says that it never blocks, and does not come back from messages that begin with 'hang'");
    d.never_blocks();
    d.option("until")
        .path()
        .required()
        .summary("it hangs no more once there is this file")
        .example("/tmp/cured");
  }
  explicit Hanging(const standpipe::Options& options) : until_(options.text("until")) {}
  void handle(const standpipe::Message& m) {
    while (m.text().starts_with("hang") && ::access(until_.c_str(), F_OK) != 0) ::usleep(10'000);
  }

 private:
  std::string until_;
};

}  // namespace

STANDPIPE_PLUGIN(Hanging)
