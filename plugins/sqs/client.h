// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "credentials.h"

// Where requests go.
struct Endpoint {
  std::string url;
  std::string region;
  std::string ca_file;  // certificates to trust instead of the system's; empty: the system's
};

struct Request {
  std::uint64_t id = 0;     // whatever tells its reply from others
  std::string_view action;  // "SendMessageBatch"; a literal
  std::string body;         // JSON
  std::chrono::milliseconds timeout{};
};

struct Reply {
  enum class Transport {
    done,         // there is a status and a body
    unreachable,  // nothing was sent
    broken        // something may have been sent, and nobody knows what became of it
  };
  std::uint64_t id = 0;
  Transport transport = Transport::done;
  long status = 0;
  std::string body;
  std::string error;  // of the transport
};

// Speaks SQS's JSON protocol over HTTP: several requests at a time, each on a connection of its
// own, which is kept. All that is known here of libcurl. It signs requests itself
// (CURLOPT_AWS_SIGV4); of libcurl 7.88 this holds only while no header is removed, and while the
// body is given as a whole.
//
// One thread at a time, except wake.
class Client {
 public:
  using Clock = std::chrono::steady_clock;

  Client(Endpoint endpoint, Credentials credentials);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start(Request request);
  // Waits until some have ended, it is woken, it is `until`, or a minute has passed.
  std::vector<Reply> wait(Clock::time_point until);
  // Ends a wait, or the next one. From any thread.
  void wake();

 private:
  struct Exchange;
  std::unique_ptr<Exchange> make_exchange();
  Reply end(Exchange& exchange, int result);

  Endpoint endpoint_;
  Credentials credentials_;
  void* multi_;
  std::vector<std::unique_ptr<Exchange>> running_, idle_;
};
