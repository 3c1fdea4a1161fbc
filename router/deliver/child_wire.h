// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"

// What a worker and a handler's child say to each other over two pairs of SOCK_SEQPACKET sockets.
// What a call is about lies in their page (call_page.h).
//
//   calls     worker -> child   NUMBER    a call is in the page; numbers count up
//             child -> worker   NUMBER    that call has come back
//   services  child -> worker   what its plugin asks of the hub, from whichever thread it is in
//             worker -> child   the answer, but to `log` and `settle`, which have none
//
// The child runs a plugin, which may write anything there: a packet that is not what is expected is
// nonsense, and the worker ends a child that talks nonsense.
namespace standpipe::deliver {

enum class Heard { message, nothing, end, nonsense };

// ---- calls
int send_number(int socket, std::uint64_t number);  // errno, or 0
Heard receive_number(int socket, std::uint64_t& number, bool waits);

// ---- services
enum class Service : std::uint32_t {
  none,
  log,
  add_fifo,
  add_file,
  send_all,
  send_all_until,
  settle
};

struct ServiceRequest {
  static constexpr std::size_t kTextBytesMax = 16 * 1024;  // of a line of the log, or a path

  Service service = Service::none;
  std::uint32_t number = 0;   // the log's level, the output's number, or an outcome
  std::uint32_t mode = 0;     // of a FIFO; or the first message that is settled
  std::uint32_t flags = 0;    // of a FIFO; or how many are settled
  std::uint64_t bytes = 0;    // or the ticket
  std::uint64_t time_ns = 0;  // or how often a file is synced
  std::string text = {};
  Fd file = {};  // that comes along

  enum Flag : std::uint32_t { create = 1, resend = 2, trust_others = 4, mode_given = 8 };
};

struct ServiceAnswer {
  std::uint32_t number = 0;  // the output's, or 1: granted; 0: refused
  std::string why = {};
};

// What is too long is cut. `file`: sent along, -1: none. errno, or 0.
int send_request(int socket, const ServiceRequest& request, int file = -1);
Heard receive_request(int socket, ServiceRequest& request);
int send_answer(int socket, const ServiceAnswer& answer);
// Waits for it. nullopt: the worker is gone.
std::optional<ServiceAnswer> receive_answer(int socket);

}  // namespace standpipe::deliver
