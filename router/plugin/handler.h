// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/registry.h"

namespace standpipe::plugin {

// What a FIFO output was asked for; see standpipe_fifo_output.
struct FifoOutputRequest {
  std::string path;
  unsigned mode = 0600;
  bool create = true;
  bool resend = true;         // on a reader's death; false: count
  bool trust_others = false;  // use whatever others put at the path
  bool mode_given = false;    // a FIFO that is there with another mode is reported
};

// What a file output was asked for; see standpipe_file_output.
struct FileOutputRequest {
  std::string path;
  int fd = -1;  // borrowed for the call
  std::chrono::nanoseconds sync{0};
};

constexpr std::size_t kLogBytesMax = 16 * 1024;  // of a line that a plugin logs
constexpr std::uint64_t kNoTicket = 0;           // no batch has it

// What the hub does for one handler instance. Called from whichever thread the plugin runs in.
class HostServices {
 public:
  virtual ~HostServices() = default;
  virtual void log(std::uint32_t level, std::string_view text) = 0;
  virtual std::uint64_t now() = 0;
  virtual bool stopping() = 0;
  // The output's number, from 1; 0: refused, with the reason.
  virtual std::uint32_t add_fifo(const FifoOutputRequest& request, std::string& why) = 0;
  virtual std::uint32_t add_file(const FileOutputRequest& /*request*/, std::string& why) {
    why = "files are not written here";
    return 0;
  }
  virtual bool send_all_until(std::uint32_t /*output*/, std::uint64_t /*bytes*/,
                              std::uint64_t /*time_ns*/) {
    return false;
  }
  // What became of messages that the plugin has taken, in the batch that had that ticket;
  // kNoTicket: of none, and the plugin asks for a call of tick. Any thread.
  virtual void settle(std::uint64_t /*ticket*/, std::uint32_t /*first*/, std::uint32_t /*count*/,
                      std::uint32_t /*outcome*/, std::string_view /*why*/) {}
  // Everything goes to that output, and the plugin is not asked. false: not granted.
  virtual bool send_all(std::uint32_t /*output*/) { return false; }

  // ---- around a call, by whoever makes it: of open, and of others in which a plugin may ask for
  // outputs
  virtual void begin_open() {}
  virtual void end_open() {}
  virtual void begin_call() {}
  virtual void end_call() {}
};

// Takes the messages that an instance makes in a call: that a handler emits, or a source puts.
class MessageTaker {
 public:
  // Whether this thread is in a call that may make messages. A plugin may err, so any thread.
  virtual bool is_in_call() const = 0;
  // The rest only then.
  // Of which message of the batch it is made, or STANDPIPE_OF_NONE. Returns STANDPIPE_PUT_*.
  virtual std::uint32_t take(std::uint32_t of, const standpipe_out& message) = 0;
  // Of the message that was taken last.
  virtual std::uint64_t last_sequence() const = 0;
  // Where a source goes on. false: the text is too long, or no call is in progress.
  virtual bool resume(std::string_view text) = 0;

 protected:
  ~MessageTaker() = default;
};

// The answer to a lifecycle call.
struct Answer {
  std::uint32_t code = STANDPIPE_OK;
  std::string reason;
  bool ok() const { return code == STANDPIPE_OK; }
};

// What was found when the outcomes of a batch were made valid.
struct Mended {
  bool needs_reason = false;  // some message is retried or rejected
  // The last of those had this outcome, which the router cannot do; DELIVERED: it can.
  std::uint8_t refused = STANDPIPE_DELIVERED;
};

// What a plugin is an instance of.
enum class Kind { handler, source };

// One instance of a plugin, of its handler or of its source: the only code that calls through the C
// ABI. It checks every result, because a plugin may be wrong. Calls must not overlap; they may come
// from different threads.
//
//   create -> open -> handle..., tick... -> flush -> close -> (open again | destroy)
//   create -> open -> poll..., committed... -> close -> (open again | destroy)       of a source
class Handler {
 public:
  // `services` and `taker` must outlive the handler. `taker`: who takes what it makes; nullptr:
  // nobody does, and what it emits is dropped, which is said once.
  Handler(const Plugin& plugin, std::string name, HostServices& services,
          MessageTaker* taker = nullptr, Kind kind = Kind::handler);
  ~Handler();  // closes and destroys as needed
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  Answer create(const std::vector<Value>& values);
  // `resume`: of a source, where it goes on.
  Answer open(std::string_view resume = {});
  // Before a call of handle: what the plugin finds in the result.
  // `notes`: reasons of messages that there is room for where it points.
  static void prepare(standpipe_result& result, std::uint32_t count, std::uint32_t notes = 0);
  // An answer of the instance; outcomes and `at` are in the result, made valid by `mend`. The
  // result was prepared.
  Answer handle(const standpipe_batch& batch, standpipe_result& result);
  // Makes `at` and the outcomes of a batch of `count` messages valid. Outcomes that this router
  // does not know, or cannot do yet, become retries.
  // `takes`: it may answer that it settles messages later.
  static Mended mend(standpipe_result& result, std::uint32_t count, bool ok, bool takes);
  Answer flush(std::uint64_t deadline_ns);
  Answer reopen();
  // `next`: when it wants the next one, of the same clock; UINT64_MAX: never.
  Answer tick(std::uint64_t now_ns, std::uint64_t& next_ns);
  // Of a source.
  Answer poll(standpipe_credit& credit);
  void committed(std::uint64_t sequence);
  void close();

  const std::string& name() const { return name_; }

 private:
  static void host_log(void* self, std::uint32_t level, standpipe_string text);
  static std::uint64_t host_now(void* self);
  static std::uint32_t host_stopping(void* self);
  static const void* host_extension(void* self, standpipe_string id);
  static std::uint32_t host_send_all(void* self, std::uint32_t output);
  static std::uint32_t host_add_file(void* self, const standpipe_file_output* file,
                                     standpipe_reason* reason);
  static std::uint32_t host_send_all_until(void* self, std::uint32_t output, std::uint64_t bytes,
                                           std::uint64_t time);
  static void host_wake(void* self);
  static void host_settle(void* self, std::uint64_t ticket, std::uint32_t first,
                          std::uint32_t count, std::uint32_t outcome, standpipe_string why);
  static std::uint32_t host_emit(void* self, std::uint32_t of, const standpipe_out* message);
  static std::uint32_t host_put(void* self, const standpipe_out* message, std::uint64_t* sequence);
  static void host_resume(void* self, standpipe_string text);
  static std::uint32_t host_add_fifo(void* self, const standpipe_fifo_output* fifo,
                                     standpipe_reason* reason);

  Answer answer(std::uint32_t code, const standpipe_reason& reason) const;
  bool may_make_now();

  // What both kinds have; NULL: the plugin does without.
  struct Common {
    std::uint32_t (*create)(const standpipe_host*, const standpipe_config*, void**,
                            standpipe_reason*);
    void (*close)(void*);
    void (*destroy)(void*);
  };
  static Common common_of(const Plugin& plugin, Kind kind);

  const standpipe_handler* handler_;  // nullptr: it is a source
  const standpipe_source* source_;    // nullptr: it is a handler
  Common common_;
  std::string name_;
  HostServices& services_;
  MessageTaker* taker_;
  standpipe_host host_;
  const Plugin& plugin_;
  void* self_ = nullptr;
  bool opened_ = false;
  bool flushed_ = false;                         // since it was opened
  std::atomic<bool> has_said_nowhere_ = false;   // that nobody takes what it emits
  std::atomic<bool> has_said_outside_ = false;   // that it makes messages where it must not
  std::atomic<bool> has_said_no_place_ = false;  // that where it goes on was refused
};

}  // namespace standpipe::plugin
