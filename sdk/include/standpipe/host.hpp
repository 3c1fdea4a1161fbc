// SPDX-License-Identifier: Apache-2.0
//
// standpipe/host.hpp: what the router offers to a plugin. Part of plugin.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/message.hpp>
#include <standpipe/outcome.hpp>
#include <standpipe/text.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace standpipe {

// A small value: copy it. It is valid as long as the instance, and from any thread.
class Host {
 public:
  Host() = default;
  explicit Host(const standpipe_host* host) : host_(host) {}
  void error(std::string_view text) const { log(STANDPIPE_LOG_ERROR, text); }
  void warning(std::string_view text) const { log(STANDPIPE_LOG_WARNING, text); }
  void info(std::string_view text) const { log(STANDPIPE_LOG_INFO, text); }
  void debug(std::string_view text) const { log(STANDPIPE_LOG_DEBUG, text); }
  // Since 1970.
  std::chrono::nanoseconds now() const { return std::chrono::nanoseconds(host_->now(host_->self)); }
  bool stopping() const { return host_->stopping(host_->self) != 0; }

  // Settles messages that handle took: as delivered, filtered, retry or reject, with the reason of
  // those two. From any thread, until close, and also before handle has returned. Messages that are
  // not taken are ignored. A router that lacks this has refused the plugin (settles_later).
  void settle(const Taken& taken, Outcome outcome, std::string_view why = {}) const {
    const auto* power = static_cast<const standpipe_settle*>(extension(STANDPIPE_SETTLE_EXTENSION));
    if (power)
      power->settle(host_->self, taken.ticket, taken.first, taken.count,
                    static_cast<std::uint32_t>(outcome), detail::abi(why));
  }

  // Asks for a call of tick soon, as a thread does that finds the connection lost: tick then throws
  // disconnected. From any thread. false: this router cannot, so tick must look by itself.
  bool wake() const {
    const auto* power = static_cast<const standpipe_settle*>(extension(STANDPIPE_SETTLE_EXTENSION));
    if (!power || !STANDPIPE_HAS(power, standpipe_settle, wake) || !power->wake) return false;
    power->wake(host_->self);
    return true;
  }

  // Emits a message that is made of m, for the routes that begin `from: NAME` of this handler. What
  // was emitted of m takes effect together with its outcome, once, through any death; nothing of it
  // if m is retried or was not handled. It has the metadata of m, too, where `meta` has no pair of
  // that name. Only inside handle, in its thread; the description says emits().
  //
  // Where there is no room, this ends handle: do not catch what is no std::exception. The router
  // calls handle again, with m first, and nothing was emitted of m until then, so what handle did
  // to its own state before it emitted will be done twice. Throws reject if the message is larger
  // than the configuration allows or is one too many of m (at most 1,024), and fatal if this router
  // has no handlers that emit. Do not take (Outcome::taken) a message of which something was
  // emitted.
  void emit(const Message& m, std::string_view payload, const Meta& meta = {}) const {
    const auto put = emit_of(m.index(), payload, meta);
    if (put == Put::full) throw detail::NoRoom{m.index()};
    if (put == Put::too_large) throw reject(too_large(payload, meta));
  }
  // The same of message i of a batch, for a handler that wants to see what became of it. After
  // Put::full, call batch.stop_at(i) and return.
  Put emit(const Batch& batch, std::size_t i, std::string_view payload,
           const Meta& meta = {}) const {
    return emit_of(batch[i].index(), payload, meta);
  }
  // Emits a message that is made of none: all that tick can do. It takes effect if the call ends
  // without an exception. After Put::full, emit it in a later call.
  Put emit(std::string_view payload, const Meta& meta = {}) const {
    return emit_of(STANDPIPE_OF_NONE, payload, meta);
  }
  // Why Put::too_large was the answer, for a reason or the log. So much may be made of one message.
  static std::string too_large(std::string_view payload, const Meta& meta) {
    return "what it makes is too large, or too much: " + std::to_string(payload.size()) +
           " bytes of payload and " + std::to_string(meta.pairs().size()) +
           " pairs of metadata of " + std::to_string(meta.bytes()) +
           " bytes. Allowed are max_message_size, " + std::to_string(STANDPIPE_META_PAIRS_MAX) +
           " pairs, " + std::to_string(STANDPIPE_META_NAME_MAX) + " bytes in a name, " +
           std::to_string(STANDPIPE_META_BYTES_MAX) +
           " bytes of metadata, and 1024 messages made of one";
  }

  struct Fifo {
    std::string_view path;
    std::uint32_t mode = 0600;
    bool create = true;
    std::uint32_t on_reader_death = STANDPIPE_READER_DEATH_RESEND;
    std::uint32_t trust = STANDPIPE_TRUST_SELF;
    bool mode_given = false;  // by the user: a FIFO that is there with another mode is reported
  };
  // Adds an output and returns its number. Only inside open(). Throws fatal with the host's reason.
  std::uint32_t add_fifo(const Fifo& fifo) const {
    const auto* power = outputs();
    if (!power) throw fatal("this router has no " STANDPIPE_OUTPUT_EXTENSION);
    standpipe_fifo_output request{};
    request.size = sizeof request;
    request.mode = fifo.mode;
    request.path = detail::abi(fifo.path);
    request.create = fifo.create;
    request.on_reader_death = fifo.on_reader_death;
    request.trust = fifo.trust;
    request.mode_given = fifo.mode_given;
    standpipe_reason reason{};
    const auto number = power->add_fifo(host_->self, &request, &reason);
    if (!number) throw fatal(std::string(reason.text, reason.length));
    return number;
  }

  // Whether this router writes to files: add_file and send_all_until.
  bool has_file_outputs() const {
    const auto* power = outputs();
    return power && STANDPIPE_HAS(power, standpipe_output, send_all_until) && power->add_file &&
           power->send_all_until;
  }

  struct File {
    int fd = -1;  // open to append; lent
    std::string_view path;
    std::chrono::nanoseconds sync{0};  // 0: never; std::chrono::nanoseconds(STANDPIPE_SYNC_ALWAYS)
  };
  // Adds a file, or replaces the one of that path, and returns the output's number. Inside open(),
  // handle() and reopen(). Throws fatal with the host's reason.
  std::uint32_t add_file(const File& file) const {
    if (!has_file_outputs()) throw fatal("this router does not write to files");
    standpipe_file_output request{};
    request.size = sizeof request;
    request.fd = file.fd;
    request.path = detail::abi(file.path);
    request.sync = file.sync.count();
    standpipe_reason reason{};
    const auto number = outputs()->add_file(host_->self, &request, &reason);
    if (!number) throw fatal(std::string(reason.text, reason.length));
    return number;
  }
  // Sends every message to that file without calling handle, until it is `bytes` long or it is
  // `time` (0: no limit). Inside open(), handle() and reopen().
  bool send_all_until(std::uint32_t output, std::uint64_t bytes,
                      std::chrono::nanoseconds time) const {
    return has_file_outputs() &&
           outputs()->send_all_until(host_->self, output, bytes,
                                     static_cast<std::uint64_t>(time.count())) != 0;
  }

  // Sends every message to that output until close, without calling handle. Only inside open().
  // false: the router does not grant it, and handle is called.
  bool send_all(std::uint32_t output) const {
    const auto* power = outputs();
    return power && STANDPIPE_HAS(power, standpipe_output, send_all) && power->send_all &&
           power->send_all(host_->self, output) != 0;
  }

  // For powers that this face does not know: the extension of plugin.h's name, or nullptr, and the
  // first argument of its functions.
  const void* extension(std::string_view id) const {
    return host_->extension(host_->self, detail::abi(id));
  }
  void* self() const { return host_->self; }

 private:
  const standpipe_output* outputs() const {
    return static_cast<const standpipe_output*>(extension(STANDPIPE_OUTPUT_EXTENSION));
  }
  Put emit_of(std::uint32_t of, std::string_view payload, const Meta& meta) const {
    const auto* power = static_cast<const standpipe_emit*>(extension(STANDPIPE_EMIT_EXTENSION));
    if (!power) throw fatal("this router has no " STANDPIPE_EMIT_EXTENSION);
    const auto out = detail::out(payload, meta.pairs());
    return static_cast<Put>(power->emit(host_->self, of, &out));
  }
  void log(std::uint32_t level, std::string_view text) const {
    host_->log(host_->self, level, detail::abi(text));
  }
  const standpipe_host* host_ = nullptr;
};

}  // namespace standpipe
