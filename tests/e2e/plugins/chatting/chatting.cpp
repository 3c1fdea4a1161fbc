// SPDX-License-Identifier: Apache-2.0
#include <standpipe/plugin.hpp>
#include <string>

namespace {

class Chatting {
 public:
  static void describe(standpipe::Description& d) {
    d.name("chatting").version("1.0").summary("logs many lines at each message");
    d.option("lines").integer().fallback("1000").minimum("1").unit("lines").summary("how many");
  }
  explicit Chatting(const standpipe::Options& options)
      : host_(options.host()), lines_(options.integer("lines")) {}
  void handle(const standpipe::Message& m) {
    for (std::int64_t i = 0; i < lines_; ++i)
      host_.info("line " + std::to_string(i) + " about message " + std::to_string(m.sequence()));
    host_.error("an error at message " + std::to_string(m.sequence()));
  }

 private:
  standpipe::Host host_;
  std::int64_t lines_;
};

}  // namespace

STANDPIPE_PLUGIN(Chatting)
