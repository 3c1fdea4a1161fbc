// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "arrivals.h"
#include "connection.h"
#include "requests.h"

namespace nats {

// Asks a consumer for messages and receives them. The library's own way to do so (Fetch) waits for
// the whole batch and cannot be interrupted; here a message is there when it has come.
class Pull {
 public:
  // What comes goes to `arrivals`, also what the server says about requests: that is of no stream.
  Pull(Connection& connection, Arrivals& arrivals, std::string next_subject,
       Requests::Bounds bounds);
  ~Pull();
  Pull(const Pull&) = delete;
  Pull& operator=(const Pull&) = delete;

  // Nothing is sent here any more, but for what is on the way.
  void stop() { natsSubscription_Unsubscribe(subscription_.get()); }
  // As many as there is room for. Fails the connection where nobody answers.
  void ask_for_more();
  void received() { requests_.received(); }
  void heard(natsMsg* status);

 private:
  static void arrived(natsConnection*, natsSubscription*, natsMsg* message, void* closure);

  Connection& connection_;
  Arrivals& arrivals_;
  std::string next_subject_;
  Requests requests_;
  std::string inbox_;
  std::uint64_t request_ = 0;
  void* closure_;
  Owned<natsSubscription> subscription_;
};

}  // namespace nats
