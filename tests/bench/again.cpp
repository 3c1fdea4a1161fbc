// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

// Emits each message as it is: what emitting costs by itself.
class Again {
 public:
  static void describe(standpipe::Description& d) {
    d.name("again").version("1.0").summary("emits each message again").never_blocks().emits();
  }
  explicit Again(const standpipe::Options& options) : host_(options.host()) {}
  void handle(const standpipe::Message& message) { host_.emit(message, message.text()); }

 private:
  standpipe::Host host_;
};

}  // namespace

STANDPIPE_PLUGIN(Again)
