// SPDX-License-Identifier: Apache-2.0
//
// standpipe/plugin.hpp: write a handler plugin in C++20. Header-only, over the C ABI of plugin.h; nothing of C++ crosses the
// boundary.
//
//   #include <standpipe/plugin.hpp>
//
//   class Shout {
//    public:
//     static void describe(standpipe::Description& d) {
//       d.name("shout").version("1.0").summary("prints messages with a prefix");
//       d.option("prefix").text().fallback("> ").summary("what comes before each message");
//     }
//     explicit Shout(const standpipe::Options& options) : prefix_(options.text("prefix")) {}
//     void handle(const standpipe::Message& m) { std::cout << prefix_ << m.text() << std::endl; }
//
//    private:
//     std::string prefix_;
//   };
//   STANDPIPE_PLUGIN(Shout)
//
// The class has
//   static void describe(Description&)             what it is, and its options; does no I/O
//   explicit T(const Options&)                     throw to refuse (any exception: the handler is held, with its text as the
//   reason)
// and one of
//   void handle(const Message&)                    returning: delivered. Or return an Outcome.
//   void handle(Batch&)                            many at once; all are delivered unless the batch was told otherwise
// and, where it wants them,
//   void open() / void close()                     connect and disconnect; open again after standpipe::disconnected
//   void flush(std::chrono::nanoseconds left)      push out what is held back; called before the hub stops
//   void reopen()                                  the operator moved the files away (SIGUSR1)
//
// What handle may throw, and what becomes of the message:
//   disconnected  what the handler needs is not there (a database, a peer): close, wait, open again, for as long as it takes. No
//                 attempt counts and no message is lost, so this is the answer to an outage, whichever message came upon it.
//   reject        this message can never be handled: it goes to the dead letters (DATA_DIR/dead-letters.log) with the reason.
//   retry         this message may succeed later: it is given again, 200 ms later, then twice as long each time up to 30 s; after
//                 20 attempts (about six minutes) it goes to the dead letters. Any other exception means the same, and its text is
//                 logged.
//   fatal         nothing more can be handled: the handler is held until a person acts, and its messages wait.
// Thrown from handle(Batch&), it is about the messages from stop_at on; about all of them when stop_at was not called. Calls for
// one instance never overlap, but may come from different threads. Views die when handle returns. What a crash, a hang or an exit
// means is said in plugin.h, above standpipe_handler; handle(const Message&) tells the host which message it is at.
#pragma once

#include <standpipe/plugin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstring>
#include <deque>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace standpipe {

struct reject : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct retry : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct disconnected : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct fatal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Outcome : std::uint8_t {
  delivered = STANDPIPE_DELIVERED,
  retry = STANDPIPE_RETRY,
  reject = STANDPIPE_REJECT,
  filtered = STANDPIPE_FILTERED,
};

namespace detail {
inline std::string_view view(const standpipe_string& s) { return s.size ? std::string_view(s.data, s.size) : std::string_view(); }
inline standpipe_string abi(std::string_view s) { return {s.data(), s.size()}; }
// The host reads `at` after a crash, too. So what was done before this store stays before it, and what comes behind it behind,
// though the compiler sees into both (for it, a plain store that the next one overwrites could as well not be there). The processor
// needs no fence: only this process's death is in question.
inline void tell_at(standpipe_result& result, std::uint32_t i) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(result.at).store(i, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
inline void write_reason(standpipe_reason* reason, std::string_view text) noexcept {
  if (!reason) return;
  auto n = std::min(text.size(), sizeof reason->text);
  if (n < text.size())
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;  // not in the middle of a character
  if (n) std::memcpy(reason->text, text.data(), n);
  reason->length = static_cast<std::uint32_t>(n);
}
}  // namespace detail

// One message, borrowed until handle returns.
class Message {
 public:
  Message(const standpipe_message& m, const standpipe_batch& batch) : m_(&m), batch_(&batch) {}
  std::string_view text() const {
    return m_->size ? std::string_view(reinterpret_cast<const char*>(m_->data), m_->size) : std::string_view();
  }
  std::span<const std::byte> bytes() const { return {reinterpret_cast<const std::byte*>(m_->data), m_->size}; }
  std::size_t size() const { return m_->size; }
  std::uint64_t sequence() const { return m_->sequence; }                               // within the source, from 1
  std::chrono::nanoseconds time() const { return std::chrono::nanoseconds(m_->time); }  // since 1970, when it was accepted
  std::string_view source() const { return detail::view(batch_->source); }
  unsigned attempt() const { return batch_->attempt; }  // 1 at the first try

 private:
  const standpipe_message* m_;
  const standpipe_batch* batch_;
};

// Messages of one source, in order; never empty. Tell it outcomes by index; untold ones are delivered.
class Batch {
 public:
  Batch(const standpipe_batch& batch, standpipe_result& result) : batch_(&batch), result_(&result) {}
  std::size_t size() const { return batch_->count; }
  Message operator[](std::size_t i) const {
    const auto* base = reinterpret_cast<const char*>(batch_->messages);
    return {*reinterpret_cast<const standpipe_message*>(base + i * batch_->stride), *batch_};
  }
  std::string_view source() const { return detail::view(batch_->source); }
  unsigned attempt() const { return batch_->attempt; }

  void settle(std::size_t i, Outcome outcome) { result_->outcomes[i] = static_cast<std::uint8_t>(outcome); }
  void reason(std::string_view why) { detail::write_reason(result_->reason, why); }
  // Messages from i on were not looked at: they come again, and no attempt is counted. Call it before throwing, when those before i
  // are done; or as the work proceeds, once a message, and with size() at the end: then a crash is blamed on the right message.
  void stop_at(std::size_t i) { detail::tell_at(*result_, static_cast<std::uint32_t>(i)); }
  // The host moves all of these messages to the output (see Host::add_fifo).
  void send_all(std::uint32_t output) {
    std::memset(result_->outcomes, STANDPIPE_SEND, batch_->count);
    result_->output = output;
  }

 private:
  const standpipe_batch* batch_;
  standpipe_result* result_;
};

// What the router offers. A small value; copy it. Valid as long as the instance, from any thread.
class Host {
 public:
  Host() = default;
  explicit Host(const standpipe_host* host) : host_(host) {}
  void error(std::string_view text) const { log(STANDPIPE_LOG_ERROR, text); }
  void warning(std::string_view text) const { log(STANDPIPE_LOG_WARNING, text); }
  void info(std::string_view text) const { log(STANDPIPE_LOG_INFO, text); }
  void debug(std::string_view text) const { log(STANDPIPE_LOG_DEBUG, text); }
  std::chrono::nanoseconds now() const { return std::chrono::nanoseconds(host_->now(host_->self)); }  // since 1970
  bool stopping() const { return host_->stopping(host_->self) != 0; }

  struct Fifo {
    std::string_view path;
    std::uint32_t mode = 0600;
    bool create = true;
    std::uint32_t on_reader_death = STANDPIPE_READER_DEATH_RESEND;
    std::uint32_t trust = STANDPIPE_TRUST_SELF;
  };
  // Only inside open(). Throws fatal with the host's reason.
  std::uint32_t add_fifo(const Fifo& fifo) const {
    const auto* power =
        static_cast<const standpipe_output*>(host_->extension(host_->self, detail::abi(STANDPIPE_OUTPUT_EXTENSION)));
    if (!power) throw fatal("this router has no " STANDPIPE_OUTPUT_EXTENSION);
    standpipe_fifo_output request{};
    request.size = sizeof request;
    request.mode = fifo.mode;
    request.path = detail::abi(fifo.path);
    request.create = fifo.create;
    request.on_reader_death = fifo.on_reader_death;
    request.trust = fifo.trust;
    standpipe_reason reason{};
    const auto number = power->add_fifo(host_->self, &request, &reason);
    if (!number) throw fatal(std::string(reason.text, reason.length));
    return number;
  }

  // Only inside open(). Until close, everything goes to that output, and handle is not called. false: not granted, handle is
  // called.
  bool send_all(std::uint32_t output) const {
    const auto* power =
        static_cast<const standpipe_output*>(host_->extension(host_->self, detail::abi(STANDPIPE_OUTPUT_EXTENSION)));
    return power && STANDPIPE_HAS(power, standpipe_output, send_all) && power->send_all &&
           power->send_all(host_->self, output) != 0;
  }

 private:
  void log(std::uint32_t level, std::string_view text) const { host_->log(host_->self, level, detail::abi(text)); }
  const standpipe_host* host_ = nullptr;
};

// One option being declared; every setter returns it, to be chained. Texts are as a user writes them in YAML.
class Option {
 public:
  Option& text() { return type(STANDPIPE_STRING); }
  Option& integer() { return type(STANDPIPE_INTEGER); }
  Option& real() { return type(STANDPIPE_FLOAT); }
  Option& boolean() { return type(STANDPIPE_BOOLEAN); }
  Option& duration() { return type(STANDPIPE_DURATION); }
  Option& bytes() { return type(STANDPIPE_SIZE); }
  Option& path() { return type(STANDPIPE_PATH); }
  Option& url() { return type(STANDPIPE_URL); }
  Option& secret() { return type(STANDPIPE_SECRET); }
  Option& list() { return type(STANDPIPE_LIST); }
  Option& map() { return type(STANDPIPE_MAP); }
  Option& one_of(std::vector<std::string_view> choices) {
    for (auto c : choices) choices_.push_back(detail::abi(c));
    return type(STANDPIPE_ENUM);
  }
  // A path that this handler alone writes to: `standpipe check` refuses two handlers that name the same file.
  Option& own_file() {
    abi_.flags |= STANDPIPE_OPTION_OWN_FILE;
    return type(STANDPIPE_PATH);
  }
  Option& required() {
    abi_.required = 1;
    return *this;
  }
  Option& summary(std::string_view s) {
    abi_.summary = detail::abi(s);
    return *this;
  }
  Option& fallback(std::string_view s) {
    abi_.fallback = detail::abi(s);
    return *this;
  }
  Option& minimum(std::string_view s) {
    abi_.minimum = detail::abi(s);
    return *this;
  }
  Option& maximum(std::string_view s) {
    abi_.maximum = detail::abi(s);
    return *this;
  }
  Option& unit(std::string_view s) {
    abi_.unit = detail::abi(s);
    return *this;
  }
  Option& example(std::string_view s) {
    abi_.example = detail::abi(s);
    return *this;
  }

  explicit Option(std::string_view name) {
    abi_.size = sizeof abi_;
    abi_.type = STANDPIPE_STRING;
    abi_.name = detail::abi(name);
  }
  standpipe_option abi() const {
    auto copy = abi_;
    copy.choices = choices_.data();
    copy.choice_count = static_cast<std::uint32_t>(choices_.size());
    return copy;
  }

 private:
  Option& type(std::uint32_t t) {
    abi_.type = t;
    return *this;
  }
  standpipe_option abi_{};
  std::vector<standpipe_string> choices_;
};

// What a plugin says of itself. Texts must outlive it: string literals do.
class Description {
 public:
  Description& name(std::string_view s) {
    plugin.name = detail::abi(s);
    return *this;
  }
  Description& version(std::string_view s) {
    plugin.version = detail::abi(s);
    return *this;
  }
  Description& summary(std::string_view s) {
    plugin.summary = detail::abi(s);
    return *this;
  }
  Description& documentation(std::string_view s) {
    plugin.documentation = detail::abi(s);
    return *this;
  }
  // handle never waits for anything: it may run on the router's event loop. Without this it gets a thread.
  Description& never_blocks() {
    placement = STANDPIPE_INLINE;
    return *this;
  }
  Option& option(std::string_view name) { return options.emplace_back(name); }

  standpipe_plugin plugin{};
  std::uint32_t placement = STANDPIPE_THREAD;
  std::deque<Option> options;
};

// The checked values of the declared options. Asking for an option that was not declared throws std::logic_error.
class Options {
 public:
  Options(const standpipe_config& config, const standpipe_plugin& plugin, Host host)
      : config_(&config), plugin_(&plugin), host_(host) {}
  bool has(std::string_view name) const { return find(name).is_set != 0; }
  std::string text(std::string_view name) const { return std::string(detail::view(find(name).text)); }
  std::int64_t integer(std::string_view name) const { return find(name).integer; }
  std::uint64_t bytes(std::string_view name) const { return static_cast<std::uint64_t>(find(name).integer); }
  double real(std::string_view name) const { return find(name).real; }
  bool boolean(std::string_view name) const { return find(name).integer != 0; }
  std::chrono::nanoseconds duration(std::string_view name) const { return std::chrono::nanoseconds(find(name).integer); }
  std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& i : items(name)) out.emplace_back(detail::view(i.text));
    return out;
  }
  std::vector<std::pair<std::string, std::string>> map(std::string_view name) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& i : items(name)) out.emplace_back(detail::view(i.key), detail::view(i.text));
    return out;
  }
  std::string_view instance() const { return detail::view(config_->instance); }  // the handler's name in YAML
  Host host() const { return host_; }

 private:
  const standpipe_value& find(std::string_view name) const {
    for (std::uint32_t i = 0; i < plugin_->option_count && i < config_->value_count; ++i) {
      const auto* option = reinterpret_cast<const standpipe_option*>(reinterpret_cast<const char*>(plugin_->options) +
                                                                     std::size_t{i} * plugin_->option_stride);
      if (detail::view(option->name) != name) continue;
      return *reinterpret_cast<const standpipe_value*>(reinterpret_cast<const char*>(config_->values) +
                                                       std::size_t{i} * config_->value_stride);
    }
    throw std::logic_error("the plugin asks for an option it did not declare: " + std::string(name));
  }
  std::span<const standpipe_item> items(std::string_view name) const {
    const auto& v = find(name);
    return {v.items, v.item_count};
  }
  const standpipe_config* config_;
  const standpipe_plugin* plugin_;
  Host host_;
};

namespace detail {

template <class T>
concept HandlesMessage = requires(T& t, const Message& m) {
  t.handle(m);
};
template <class T>
concept HandlesBatch = requires(T& t, Batch& b) {
  t.handle(b);
};

// The C functions of one plugin class. Every one is a wall that exceptions do not pass.
template <class T>
struct Face {
  static_assert(HandlesMessage<T> || HandlesBatch<T>, "a handler needs handle(const Message&) or handle(Batch&)");

  struct Made {
    Description description;
    std::vector<standpipe_option> options;
    standpipe_handler handler{};
    Made() {
      T::describe(description);
      for (const auto& o : description.options) options.push_back(o.abi());
      handler = {sizeof handler, description.placement, create, open, handle, flush, close, destroy, reopen};
      auto& p = description.plugin;
      p.size = sizeof p;
      p.abi_major = STANDPIPE_ABI_MAJOR;
      p.abi_minor = 0;
      p.options = options.data();
      p.option_count = static_cast<std::uint32_t>(options.size());
      p.option_stride = sizeof(standpipe_option);
      p.handler = &handler;
    }
  };
  static const standpipe_plugin* plugin() {
    static const Made made;
    return &made.description.plugin;
  }

  // Runs `body`; turns what it throws into an answer for the whole instance.
  template <class Body>
  static std::uint32_t guarded(standpipe_reason* reason, std::uint32_t otherwise, Body body) noexcept {
    try {
      body();
      return STANDPIPE_OK;
    } catch (const disconnected& e) {
      write_reason(reason, e.what());
      return STANDPIPE_DISCONNECTED;
    } catch (const fatal& e) {
      write_reason(reason, e.what());
      return STANDPIPE_FATAL;
    } catch (const std::exception& e) {
      write_reason(reason, e.what());
      return otherwise;
    } catch (...) {
      write_reason(reason, "the plugin threw something that is no std::exception");
      return otherwise;
    }
  }

  static std::uint32_t create(const standpipe_host* host, const standpipe_config* config, void** self,
                              standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_FATAL, [&] { *self = new T(Options(*config, *plugin(), Host(host))); });
  }
  static std::uint32_t open(void* self, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.open(); }) static_cast<T*>(self)->open();
    });
  }
  static void close(void* self) noexcept {
    guarded(nullptr, STANDPIPE_OK, [&] {
      if constexpr (requires(T & t) { t.close(); }) static_cast<T*>(self)->close();
    });
  }
  static void destroy(void* self) noexcept {
    guarded(nullptr, STANDPIPE_OK, [&] { delete static_cast<T*>(self); });
  }
  static std::uint32_t flush(void* self, std::uint64_t deadline, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.flush(std::chrono::nanoseconds()); }) {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        static_cast<T*>(self)->flush(std::chrono::nanoseconds(deadline) - now);
      }
    });
  }
  static std::uint32_t reopen(void* self, standpipe_reason* reason) noexcept {
    return guarded(reason, STANDPIPE_DISCONNECTED, [&] {
      if constexpr (requires(T & t) { t.reopen(); }) static_cast<T*>(self)->reopen();
    });
  }

  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result* result) noexcept {
    auto& t = *static_cast<T*>(self);
    if constexpr (HandlesBatch<T>) {
      return whole(t, *batch, *result);
    } else {
      return one_by_one(t, *batch, *result);
    }
  }

  // What a throw is about begins where the batch was stopped; what was settled before that stands.
  static std::uint32_t whole(T& t, const standpipe_batch& batch, standpipe_result& result) noexcept {
    Batch b(batch, result);
    const auto rest = [&] { return result.at == STANDPIPE_NOT_TOLD ? 0 : std::min(result.at, batch.count); };
    const auto settle_rest = [&](std::uint8_t outcome, std::string_view why) {
      std::memset(result.outcomes + rest(), outcome, batch.count - rest());
      result.at = batch.count;
      write_reason(result.reason, why);
      return std::uint32_t{STANDPIPE_OK};
    };
    const auto stop = [&](std::uint32_t answer, std::string_view why) {
      result.at = rest();
      write_reason(result.reason, why);
      return answer;
    };
    try {
      t.handle(b);
      return STANDPIPE_OK;
    } catch (const reject& e) {
      return settle_rest(STANDPIPE_REJECT, e.what());
    } catch (const disconnected& e) {
      return stop(STANDPIPE_DISCONNECTED, e.what());
    } catch (const fatal& e) {
      return stop(STANDPIPE_FATAL, e.what());
    } catch (const std::exception& e) {  // retry, and anything unforeseen
      return settle_rest(STANDPIPE_RETRY, e.what());
    } catch (...) {
      return settle_rest(STANDPIPE_RETRY, "the plugin threw something that is no std::exception");
    }
  }

  // Message by message. It stops behind a retry, so that order is kept, and behind a rejected one: a batch has one reason.
  static std::uint32_t one_by_one(T& t, const standpipe_batch& batch, standpipe_result& result) noexcept {
    const Batch b(batch, result);
    std::uint32_t i = 0;
    const auto settle = [&](std::uint8_t outcome, std::string_view why) {
      result.outcomes[i] = outcome;
      write_reason(result.reason, why);
    };
    const auto stop_after = [&] {
      tell_at(result, i + 1);
      return std::uint32_t{STANDPIPE_OK};
    };
    const auto stop_before = [&](std::uint32_t answer, std::string_view why) {
      tell_at(result, i);
      write_reason(result.reason, why);
      return answer;
    };
    for (; i < batch.count; ++i) {
      tell_at(result, i);
      try {
        if constexpr (std::same_as<decltype(t.handle(b[i])), Outcome>) {
          result.outcomes[i] = static_cast<std::uint8_t>(t.handle(b[i]));
          if (result.outcomes[i] == STANDPIPE_RETRY) return stop_after();
        } else {
          t.handle(b[i]);
        }
      } catch (const reject& e) {  // ends the batch, so that the next one has room for its own reason
        settle(STANDPIPE_REJECT, e.what());
        return stop_after();
      } catch (const disconnected& e) {
        return stop_before(STANDPIPE_DISCONNECTED, e.what());
      } catch (const fatal& e) {
        return stop_before(STANDPIPE_FATAL, e.what());
      } catch (const std::exception& e) {  // retry, and anything unforeseen
        settle(STANDPIPE_RETRY, e.what());
        return stop_after();
      } catch (...) {
        settle(STANDPIPE_RETRY, "the plugin threw something that is no std::exception");
        return stop_after();
      }
    }
    tell_at(result, batch.count);
    return STANDPIPE_OK;
  }
};

}  // namespace detail
}  // namespace standpipe

// Once in a plugin, outside any namespace.
#define STANDPIPE_PLUGIN(Class) \
  extern "C" STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { return standpipe::detail::Face<Class>::plugin(); }
