// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <memory>
#include <standpipe/plugin.hpp>

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// A line a message, with the kernel before the message counts as delivered: source sequence size
// hash.
class Recording {
 public:
  static void describe(standpipe::Description& d) {
    d.name("recording").version("1.0").summary("writes down which messages it got");
    d.documentation(
        "A line a message: SOURCE SEQUENCE SIZE HASH; the hash is FNV-1a of the payload, 64 bits, "
        "16 hex digits.");
    d.option("path").path().required().summary("the file to append to").example("/tmp/recording");
  }
  explicit Recording(const standpipe::Options& options) : path_(options.text("path")) {}

  void open() {
    file_.reset(std::fopen(path_.c_str(), "ae"));
    if (!file_) throw standpipe::disconnected("cannot open " + path_);
  }
  void close() { file_.reset(); }
  void handle(standpipe::Batch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) record(batch[i]);
    if (std::fflush(file_.get()) != 0) throw standpipe::disconnected("cannot write " + path_);
  }

 private:
  void record(const standpipe::Message& m) {
    std::array<char, 80> numbers;
    std::snprintf(numbers.data(), numbers.size(), " %llu %zu %016llx\n",
                  static_cast<unsigned long long>(m.sequence()), m.size(),
                  static_cast<unsigned long long>(fnv1a(m.text())));
    const auto line = std::string(m.source()) + numbers.data();
    std::fwrite(line.data(), 1, line.size(), file_.get());
  }

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace

STANDPIPE_PLUGIN(Recording)
