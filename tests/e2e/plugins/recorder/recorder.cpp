// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <standpipe/plugin.hpp>
#include <thread>

namespace {

// As in zlib: the tests compute it in Python, where only such a one is quick.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320u : 0);
  }
  return ~crc;
}

// Writes far in front of a block of its own, where the allocator keeps its records, and makes it
// look at them.
void corrupt_heap() {
  std::array<char*, 16> blocks{};
  for (auto& block : blocks) block = static_cast<char*>(std::malloc(64));
  for (auto* block : blocks) {
    volatile char* before = block - 16;
    for (int i = 0; i < 16; ++i) before[i] = static_cast<char>(0x41 + i);
  }
  for (auto* block : blocks) std::free(block);
  std::abort();  // an allocator that notices nothing
}

// Unlike `recording`, it is called message by message and writes each line by itself: what the file
// has is what was handled.
class Recorder {
 public:
  static void describe(standpipe::Description& d) {
    d.name("recorder")
        .version("1.0")
        .summary(
            "writes down each message before it answers, and fails in a chosen way at a chosen "
            "one");
    d.documentation(
        "A line a message: SOURCE SEQUENCE SIZE HASH; the hash is CRC-32 of the payload, 8 hex "
        "digits.");
    d.option("path").path().required().summary("the file to append to").example("/tmp/recorder");
    d.option("delay").duration().fallback("0s").summary("how long it takes over each message");
    d.option("trap").text().summary("the messages that begin so are traps");
    d.option("trap_does")
        .one_of({"crash", "exit", "hang", "corrupt"})
        .fallback("crash")
        .summary("what happens at a trap");
  }
  explicit Recorder(const standpipe::Options& options)
      : path_(options.text("path")),
        delay_(options.duration("delay")),
        trap_does_(options.text("trap_does")) {
    if (options.has("trap")) trap_ = options.text("trap");
  }
  ~Recorder() { close(); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void open() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd_ < 0) throw standpipe::disconnected("cannot open " + path_);
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void handle(const standpipe::Message& m) {
    if (!trap_.empty() && m.text().starts_with(trap_)) spring();
    if (delay_.count() > 0) std::this_thread::sleep_for(delay_);
    record(m);
  }

 private:
  void spring() {
    if (trap_does_ == "exit") std::exit(3);
    if (trap_does_ == "corrupt") corrupt_heap();
    while (trap_does_ == "hang") std::this_thread::sleep_for(std::chrono::seconds(1));
    volatile int* volatile nowhere =
        nullptr;  // a real fault: a signal that is only sent may be blocked in this thread
    *nowhere = 1;
  }
  void record(const standpipe::Message& m) {
    std::array<char, 80> numbers;
    std::snprintf(numbers.data(), numbers.size(), " %llu %zu %08x\n",
                  static_cast<unsigned long long>(m.sequence()), m.size(), crc32(m.text()));
    const auto line = std::string(m.source()) + numbers.data();
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw standpipe::disconnected("cannot write " + path_);
  }

  std::string path_;
  std::chrono::nanoseconds delay_;
  std::string trap_does_;
  std::string trap_;
  int fd_ = -1;
};

}  // namespace

STANDPIPE_PLUGIN(Recorder)
