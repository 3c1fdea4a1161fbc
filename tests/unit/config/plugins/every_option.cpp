// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>

namespace {

// Has an option of every type, for the tests of what a configuration may say; does nothing.
class EveryOption {
 public:
  static void describe(standpipe::Description& d);
  explicit EveryOption(const standpipe::Options&) {}
  void handle(const standpipe::Message&) {}
};

void EveryOption::describe(standpipe::Description& d) {
  d.name("every_option").version("1.0").summary("has an option of every type");
  d.option("text").text().fallback("hello");
  d.option("count").integer().fallback("5").minimum("1").maximum("1000").unit("files");
  d.option("share").real().minimum("0").maximum("1");
  d.option("flag").boolean().fallback("true");
  d.option("wait").duration().minimum("1ms");
  d.option("most").bytes().maximum("1GiB");
  d.option("kind").one_of({"small", "large"}).fallback("small");
  d.option("file").path();
  d.option("server").url().required().example("https://example.org/in");
  d.option("password").secret();
  d.option("brokers").list();
  d.option("headers").map();
}

}  // namespace

STANDPIPE_PLUGIN(EveryOption)
