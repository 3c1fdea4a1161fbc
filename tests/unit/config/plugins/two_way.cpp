// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

// Offers both, for the tests of what a configuration may say, with options of one alone.
class TwoWay {
 public:
  static void describe(standpipe::Description& d) {
    d.name("two_way").version("1.0").summary("handles nothing, and brings nothing");
    d.option("address").required().example("here").summary("of both");
    d.option("window").integer().required().of_handler().example("5").summary("of its handler");
    d.option("prefetch").integer().fallback("7").of_source().summary("of its source");
  }
  explicit TwoWay(const standpipe::Options&) {}
};

class ToThere : public TwoWay {
 public:
  using TwoWay::TwoWay;
  void handle(const standpipe::Message&) {}
};

class FromThere : public TwoWay {
 public:
  using TwoWay::TwoWay;
  void poll(standpipe::Poll&) {}
};

}  // namespace

STANDPIPE_PLUGIN(ToThere, FromThere)
