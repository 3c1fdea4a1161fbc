// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <standpipe/plugin.hpp>

namespace {

// A handler that does not come back from its first call: a deadlock, or a server that never
// answers.
class Wedged {
 public:
  static void describe(standpipe::Description& d) {
    d.name("wedged").version("1.0").summary("does not come back from its first call");
  }
  explicit Wedged(const standpipe::Options&) {}

  [[noreturn]] void handle(standpipe::Batch&) {
    for (;;) ::pause();
  }
};

}  // namespace

STANDPIPE_PLUGIN(Wedged)
