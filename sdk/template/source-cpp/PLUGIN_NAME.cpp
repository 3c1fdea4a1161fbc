#include <charconv>
#include <chrono>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

// Brings a number every so often. Make it bring what you need.
class PLUGIN_CLASS {
 public:
  static void describe(standpipe::Description& d) {
    d.name("PLUGIN_NAME").version("0.1").summary("brings a number every so often");
    d.option("prefix").fallback("number ").summary("what comes before each number");
    d.option("every").duration().fallback("1s").minimum("1ms").summary("from one to the next");
  }
  explicit PLUGIN_CLASS(const standpipe::Options& options)
      : prefix_(options.text("prefix")), every_(options.duration("every")) {}

  // Connect here, and go on where `resume` says: the text that was given to Poll::resume with the
  // last message that the hub has kept, and empty at the very first time.
  void open(std::string_view resume) {
    const auto* const end = resume.data() + resume.size();
    next_ = 1;
    due_ = standpipe::Poll::Clock::now();
    if (resume.empty()) return;
    const auto [last, error] = std::from_chars(resume.data(), end, next_);
    if (error != std::errc() || last != end)
      throw standpipe::fatal("its place in the hub's state is no number: it was another plugin's");
  }

  // Called again and again. The hub keeps the messages and the place together when it returns;
  // after any death it goes on behind them. wait() ends early when the hub wants poll to return.
  void poll(standpipe::Poll& poll) {
    while (poll.has_credit() && poll.wait(due_) == standpipe::Poll::Woken::due) {
      const auto put = poll.put(prefix_ + std::to_string(next_));
      if (put == standpipe::Put::too_large) throw standpipe::fatal("the hub takes no such prefix");
      if (put != standpipe::Put::ok) return;
      poll.resume(std::to_string(++next_));
      due_ = standpipe::Poll::Clock::now() + every_;
    }
  }

 private:
  std::string prefix_;
  std::chrono::nanoseconds every_;
  std::uint64_t next_ = 1;
  standpipe::Poll::Clock::time_point due_;
};
STANDPIPE_PLUGIN(PLUGIN_CLASS)
