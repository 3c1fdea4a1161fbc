// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>
#include <standpipe/plugin.h>

#include <charconv>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "places.h"

// Drives a built plugin through the C ABI as a hub would, without a hub: make an instance with
// options, feed it messages, see what it answers. Whatever is lent to the plugin for a call is
// scribbled over and freed after it, so that keeping a view shows.
//
//   kit::Host host;
//   kit::Handler log(kit::load("log"), host, {{"path", "/tmp/x"}});
//   REQUIRE(log.open().ok());
//   CHECK(log.handle({"hello", "world"}).settled == 2);
namespace kit {

inline std::string_view view(const standpipe_string& s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}
inline standpipe_string abi(std::string_view s) { return {s.data(), s.size()}; }

// Loads NAME.so from the folder of the built plugins; never unloads it, as the hub never does.
inline const standpipe_plugin& load(const std::string& name,
                                    const std::string& folder = places::plugins()) {
  void* library = ::dlopen((folder + "/" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(::dlerror());
  void* entry = ::dlsym(library, "standpipe_plugin_v1");
  if (!entry) throw std::runtime_error(::dlerror());
  return *reinterpret_cast<standpipe_plugin_v1_function>(entry)();
}

// The other side of standpipe_host: says what the test says, and remembers what it was told.
class Host {
 public:
  struct Fifo {
    std::string path;
    std::uint32_t mode = 0, create = 0, on_reader_death = 0, mode_given = 0;
  };
  std::uint64_t now = 1'714'564'800'250'000'000;  // 2024-05-01T12:00:00.250Z
  bool stopping = false;
  struct File {
    int fd = -1;  // the plugin's own
    std::string path;
    std::int64_t sync = 0;
    std::uint64_t bytes = 0, time = 0;  // as asked by send_all_until
    bool all = false;                   // granted
  };
  bool has_outputs = true;
  std::uint32_t all_to = 0;           // as asked by send_all
  std::string fifo_refusal;           // not empty: add_fifo fails with it
  std::vector<std::string> reported;  // "warning: ..."
  std::vector<Fifo> fifos;
  std::vector<File> files;  // in the order in which they were lent

  const standpipe_host* abi() const { return &abi_; }
  Host() { abi_.self = this; }
  // A router of today writes to files; an older one does not.
  void write_files() { output_.size = sizeof output_; }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

 private:
  static Host& of(void* self) { return *static_cast<Host*>(self); }
  static void log(void* self, std::uint32_t level, standpipe_string text) {
    constexpr const char* kNames[] = {"?", "error", "warning", "info", "debug"};
    of(self).reported.push_back(std::string(kNames[level]) + ": " + std::string(view(text)));
  }
  static const void* extension(void* self, standpipe_string id) {
    return of(self).has_outputs && view(id) == STANDPIPE_OUTPUT_EXTENSION ? &of(self).output_
                                                                          : nullptr;
  }
  static std::uint32_t add_fifo(void* self, const standpipe_fifo_output* fifo,
                                standpipe_reason* reason) {
    auto& host = of(self);
    if (!host.fifo_refusal.empty()) {
      reason->length =
          static_cast<std::uint32_t>(host.fifo_refusal.copy(reason->text, sizeof reason->text));
      return 0;
    }
    host.fifos.push_back({std::string(view(fifo->path)), fifo->mode, fifo->create,
                          fifo->on_reader_death, fifo->mode_given});
    return static_cast<std::uint32_t>(host.fifos.size());
  }

  standpipe_host abi_{sizeof abi_,
                      STANDPIPE_ABI_MAJOR,
                      STANDPIPE_ABI_MINOR,
                      nullptr,
                      log,
                      [](void* self) { return of(self).now; },
                      [](void* self) -> std::uint32_t { return of(self).stopping; },
                      extension};
  static std::uint32_t send_all(void* self, std::uint32_t output) {
    of(self).all_to = output;
    return 1;
  }
  static std::uint32_t add_file(void* self, const standpipe_file_output* file, standpipe_reason*) {
    of(self).files.push_back({file->fd, std::string(view(file->path)), file->sync});
    return 1;
  }
  static std::uint32_t send_all_until(void* self, std::uint32_t, std::uint64_t bytes,
                                      std::uint64_t time) {
    auto& file = of(self).files.back();
    file.bytes = bytes;
    file.time = time;
    file.all = true;
    return 1;
  }
  standpipe_output output_{
      offsetof(standpipe_output, add_file), 0, add_fifo, send_all, add_file, send_all_until};
};

using Options = std::map<std::string, std::string>;

// Option texts, as in YAML, into the values a hub would hand over. A mistake in them is the test's
// and throws.
class Config {
 public:
  Config(const standpipe_plugin& plugin, const Options& options, std::string instance)
      : given_(options), instance_(std::move(instance)) {
    std::size_t used = 0;
    for (std::uint32_t i = 0; i < plugin.option_count; ++i) {
      const auto* at =
          reinterpret_cast<const char*>(plugin.options) + std::size_t{i} * plugin.option_stride;
      const auto& option = *reinterpret_cast<const standpipe_option*>(at);
      used += given_.count(std::string(view(option.name)));
      values_.push_back(value_of(option));
    }
    if (used != options.size())
      throw std::runtime_error("the test gives an option that the plugin does not declare");
    abi_ = {sizeof abi_,
            static_cast<std::uint32_t>(values_.size()),
            sizeof(standpipe_value),
            0,
            values_.data(),
            abi_of_instance()};
  }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  const standpipe_config* abi() const { return &abi_; }

 private:
  standpipe_string abi_of_instance() const { return kit::abi(instance_); }

  standpipe_value value_of(const standpipe_option& option) const {
    const auto given = given_.find(std::string(view(option.name)));
    const auto text =
        given != given_.end() ? std::string_view(given->second) : view(option.fallback);
    standpipe_value value{};
    value.size = sizeof value;
    value.type = option.type;
    value.is_set = given != given_.end() || !text.empty();
    value.text = kit::abi(text);
    if (option.required && !value.is_set)
      throw std::runtime_error("missing option " + std::string(view(option.name)));
    if (value.is_set) value.integer = integer_of(option.type, text);
    if (option.type == STANDPIPE_ENUM) check_choice(option, text);
    return value;
  }

  static std::int64_t integer_of(std::uint32_t type, std::string_view text) {
    static const std::map<std::string_view, std::int64_t> kSizes = {
        {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    static const std::map<std::string_view, std::int64_t> kDurations = {{"ns", 1},
                                                                        {"ms", 1'000'000},
                                                                        {"s", 1'000'000'000},
                                                                        {"m", 60'000'000'000},
                                                                        {"h", 3'600'000'000'000}};
    if (type == STANDPIPE_BOOLEAN) return text == "true";
    if (type != STANDPIPE_INTEGER && type != STANDPIPE_SIZE && type != STANDPIPE_DURATION) return 0;
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) throw std::runtime_error("no number: " + std::string(text));
    if (type == STANDPIPE_INTEGER) return number;
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    return number * (type == STANDPIPE_SIZE ? kSizes : kDurations).at(unit);
  }

  static void check_choice(const standpipe_option& option, std::string_view text) {
    for (std::uint32_t i = 0; i < option.choice_count; ++i)
      if (view(option.choices[i]) == text) return;
    throw std::runtime_error("no choice of " + std::string(view(option.name)) + ": " +
                             std::string(text));
  }

  Options given_;
  std::string instance_;
  std::vector<standpipe_value> values_;
  standpipe_config abi_{};
};

// What a call for the whole instance answered.
struct Status {
  std::uint32_t answer = STANDPIPE_OK;
  std::string reason;
  bool ok() const { return answer == STANDPIPE_OK; }
  bool disconnected() const { return answer == STANDPIPE_DISCONNECTED; }
  bool fatal() const { return answer == STANDPIPE_FATAL; }
};

// What a batch was answered. `settled` messages at its beginning were processed; their outcomes are
// in `outcomes`.
struct Answer : Status {
  std::size_t settled = 0;
  std::vector<std::uint8_t> outcomes;
  std::uint32_t output = 0;
  bool all(std::uint8_t outcome) const {
    for (const auto o : outcomes)
      if (o != outcome) return false;
    return ok();
  }
};

struct Message {
  std::string payload;
  std::uint64_t sequence = 0;  // 0: the next one
  std::uint64_t time = 1'714'564'800'250'000'000;
  std::vector<std::pair<std::string, std::string>> meta = {};
};

// Messages lent for one call. Each payload lies in memory of exactly its size, so that a sanitizer
// sees a byte too many being read.
class Lent {
 public:
  Lent(const std::vector<Message>& messages, std::string source, std::uint32_t attempt)
      : given_(messages), source_(std::move(source)) {
    for (const auto& m : given_) {
      bytes_.push_back(std::make_unique<std::uint8_t[]>(m.payload.size()));
      if (!m.payload.empty()) std::memcpy(bytes_.back().get(), m.payload.data(), m.payload.size());
      auto& row = rows_.emplace_back();
      row.data = m.payload.empty() ? nullptr : bytes_.back().get();
      row.size = m.payload.size();
      row.sequence = m.sequence;
      row.time = m.time;
      auto& pairs = meta_.emplace_back();
      for (const auto& [name, value] : m.meta) pairs.push_back({abi(name), abi(value)});
      row.meta = pairs.data();
      row.meta_count = static_cast<std::uint32_t>(pairs.size());
    }
    batch_.size = sizeof batch_;
    batch_.count = static_cast<std::uint32_t>(rows_.size());
    batch_.stride = sizeof(standpipe_message);
    batch_.attempt = attempt;
    batch_.messages = rows_.data();
    batch_.source = abi(source_);
  }
  ~Lent() {
    for (const auto& row : rows_)
      if (row.size) std::memset(const_cast<std::uint8_t*>(row.data), 0xdd, row.size);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  const standpipe_batch* abi_batch() const { return &batch_; }

 private:
  std::vector<Message> given_;  // for their metadata
  std::string source_;
  std::vector<std::unique_ptr<std::uint8_t[]>> bytes_;
  std::vector<std::vector<standpipe_pair>> meta_;
  std::vector<standpipe_message> rows_;
  standpipe_batch batch_{};
};

// One instance. It is closed and destroyed with the object, if the test did not do it.
class Handler {
 public:
  Handler(const standpipe_plugin& plugin, Host& host, const Options& options = {})
      : abi_(*plugin.handler) {
    const Config config(plugin, options, "it");
    created = status([&](standpipe_reason* reason) {
      return abi_.create(host.abi(), config.abi(), &self_, reason);
    });
  }
  ~Handler() {
    close();
    if (created.ok()) abi_.destroy(self_);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  Status created;

  Status open() {
    const auto answer = status([&](standpipe_reason* reason) { return abi_.open(self_, reason); });
    is_open_ = answer.ok();
    return answer;
  }
  void close() {
    if (is_open_) abi_.close(self_);
    is_open_ = false;
  }
  Status flush() {
    return status([&](standpipe_reason* reason) {
      return abi_.flush(self_, ~std::uint64_t{0} >> 1, reason);
    });
  }
  Status reopen() {
    return status([&](standpipe_reason* reason) { return abi_.reopen(self_, reason); });
  }

  Answer handle(const std::vector<std::string>& payloads) {
    std::vector<Message> messages;
    for (const auto& p : payloads) messages.push_back({p});
    return handle_messages(std::move(messages));
  }
  Answer handle_messages(std::vector<Message> messages, const std::string& source = "orders",
                         std::uint32_t attempt = 1) {
    for (auto& m : messages) m.sequence = m.sequence ? m.sequence : ++sequence_;
    const Lent lent(messages, source, attempt);
    Answer answer;
    answer.outcomes.assign(messages.size(), STANDPIPE_DELIVERED);
    standpipe_reason reason{};
    standpipe_result result{};
    result.size = sizeof result;
    result.outcomes = answer.outcomes.data();
    result.at = STANDPIPE_NOT_TOLD;
    result.reason = &reason;
    answer.answer = abi_.handle(self_, lent.abi_batch(), &result);
    answer.reason.assign(reason.text, reason.length);
    answer.settled = result.at != STANDPIPE_NOT_TOLD ? result.at
                     : answer.ok()                   ? messages.size()
                                                     : 0;
    answer.outcomes.resize(answer.settled);
    answer.output = result.output;
    return answer;
  }

 private:
  static Status status(const std::function<std::uint32_t(standpipe_reason*)>& call) {
    standpipe_reason reason{};
    Status answer;
    answer.answer = call(&reason);
    answer.reason.assign(reason.text, reason.length);
    return answer;
  }

  standpipe_handler abi_;
  void* self_ = nullptr;
  bool is_open_ = false;
  std::uint64_t sequence_ = 0;
};

}  // namespace kit
