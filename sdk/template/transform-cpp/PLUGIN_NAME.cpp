#include <standpipe/plugin.hpp>
#include <string>

// Makes a new message of each, and rejects those that are empty. Make it do what you need.
class PLUGIN_CLASS {
 public:
  static void describe(standpipe::Description& d) {
    d.name("PLUGIN_NAME").version("0.1").summary("puts a text before each message").emits();
    d.option("prefix").fallback("got ").summary("what comes before each message");
  }
  explicit PLUGIN_CLASS(const standpipe::Options& options)
      : host_(options.host()), prefix_(options.text("prefix")) {}

  // What is emitted has the metadata of its message, too, and takes effect together with the
  // message's outcome: through any death there is one for one.
  void handle(const standpipe::Message& m) {
    if (m.size() == 0) throw standpipe::reject("it is empty");
    host_.emit(m, prefix_ + std::string(m.text()));
  }

 private:
  standpipe::Host host_;
  std::string prefix_;
};
STANDPIPE_PLUGIN(PLUGIN_CLASS)
