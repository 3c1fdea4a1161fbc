// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"

namespace standpipe::control {

// Asks a running hub at its control socket: one request, one answer (server.h has how). Waits, but
// not for ever.
class Client {
 public:
  // nullopt: nobody listens there. Throws Failure: it is not ours to ask, or somebody else's hub
  // pretends to be ours.
  static std::optional<Client> connect(const std::string& path,
                                       Nanoseconds patience = std::chrono::seconds(5));

  // The whole answer. Throws Failure with what the hub says against it, or when it does not answer
  // in time.
  std::string ask(std::string_view request);

 private:
  Client(Fd fd, std::string path, Nanoseconds patience);
  void send(std::string_view line);
  std::string receive(Nanoseconds until);

  Fd fd_;
  std::string path_;
  Nanoseconds patience_;
};

}  // namespace standpipe::control
