// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "library.h"
#include "refusal.h"
#include "settings.h"

namespace nats {

// One connection to a server, from its making until it is lost: the library does not reconnect by
// itself, so that the hub sees each outage, waits, and opens again.
class Connection {
 public:
  // A subject that the server refuses messages of; false: nobody here knows of one.
  using Refused = std::function<bool(const RefusedSubject& subject)>;

  // Connects. Throws standpipe::fatal for what a person must mend, and standpipe::disconnected.
  // In threads of the library, `failed` is called once check would throw, and `refused` where the
  // server names a subject; without it, or if it does not know the subject, the connection fails.
  Connection(const ConnectionSettings& settings, std::function<void()> failed,
             Refused refused = nullptr);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends what is buffered, for half a second at most, or until the write deadline of 3 s where
  // the server does not read. Waits for the library's last callback for a second at most. To be
  // called before a subscription or a context of it is destroyed: while messages arrive for them,
  // the library does not hold on to those.
  void close();
  natsConnection* get() const { return connection_.get(); }
  // Its acknowledgements go to `handler`, if there is one, in a thread of the library.
  Owned<jsCtx> jetstream(jsPubAckHandler handler = nullptr, void* closure = nullptr) const;

  // Throws what made it fail first, if anything did.
  void check() const;
  bool is_good() const { return !has_failed_.load(std::memory_order_acquire); }
  void fail_fatally(const std::string& why) { fail(true, why); }
  void fail_for_now(const std::string& why) { fail(false, why); }

 private:
  void fail(bool is_fatal, const std::string& why);
  void connect(Owned<natsOptions> options);
  void closed(const std::string& why);
  static void closed(natsConnection* connection, void* closure);
  static void error(natsConnection*, natsSubscription*, natsStatus status, void* closure);
  void refused(const std::string& why);

  const ConnectionSettings& settings_;
  std::function<void()> failed_;
  Refused refused_;
  void* closure_;
  std::atomic<bool> has_failed_ = false;
  mutable std::mutex mutex_;
  std::condition_variable closed_changed_;
  bool is_closed_ = false;  // by the library, which calls nothing here any more
  bool is_fatal_ = false;
  std::string why_;
  Owned<natsConnection> connection_;
};

}  // namespace nats
