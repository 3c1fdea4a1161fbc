// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include <standpipe/plugin.hpp>

// Emits each message again, `times`, with the name of its source as metadata; "die" once it has
// emitted something of it, "retry" at its first attempt, and nothing of "quiet".
class Emitting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("emitting").version("1.0").summary("emits what it gets").never_blocks().emits();
    d.option("times").integer().fallback("1").summary("how often");
  }
  explicit Emitting(const standpipe::Options& options)
      : host_(options.host()), times_(options.integer("times")) {}

  standpipe::Outcome handle(const standpipe::Message& message) {
    if (message.text() == "quiet") return standpipe::Outcome::filtered;
    const std::string from(message.source());
    for (std::int64_t i = 0; i < times_; ++i) host_.emit(message, message.text(), {{"from", from}});
    if (message.text() == "die") __builtin_trap();
    if (message.text() == "retry" && message.attempt() == 1) return standpipe::Outcome::retry;
    return standpipe::Outcome::delivered;
  }

 private:
  standpipe::Host host_;
  std::int64_t times_;
};

STANDPIPE_PLUGIN(Emitting)
