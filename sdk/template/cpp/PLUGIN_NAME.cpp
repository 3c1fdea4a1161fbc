#include <standpipe/plugin.hpp>
#include <string>

// Says how long each message is, and rejects those that are empty. Make it do what you need.
class PLUGIN_CLASS {
 public:
  static void describe(standpipe::Description& d) {
    d.name("PLUGIN_NAME").version("0.1").summary("says how long messages are");
    d.option("prefix").fallback("got ").summary("what comes before each length");
  }
  explicit PLUGIN_CLASS(const standpipe::Options& options)
      : host_(options.host()), prefix_(options.text("prefix")) {}

  void handle(const standpipe::Message& m) {
    if (m.size() == 0) throw standpipe::reject("it is empty");
    host_.info(prefix_ + std::to_string(m.size()) + " bytes");
  }

 private:
  standpipe::Host host_;
  std::string prefix_;
};
STANDPIPE_PLUGIN(PLUGIN_CLASS)
