// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"

// What a worker and its keeper say to each other over a pair of SOCK_SEQPACKET sockets: a packet is
// a message, "VERB REST".
//
//   worker -> keeper   keep NAME (with the descriptor)   answered by `kept` or `refused REASON`
//                      forget NAME   ready [STATUS]   saving   stopping   pong
//                      have STOPS REOPENS RELOADS     answers `want`
//                      damaged                        the memory is inconsistent: no other worker
//                                                     could continue with it
//                      end STATUS                     everything is done, or nothing could begin:
//                                                     the process is about to end, on purpose
//                      reloading   reloaded           a changed configuration is taken up; that is
//                                                     over, whatever came of it
//                      succeeds                       answered by `kept`: from now on this process
//                                                     is the next worker, which starts
//                                                     (successor.h)
//                      retires                        it ends, and another worker is to start: what
//                                                     it tried cannot be had. That is no death.
//   keeper -> worker   ping
//                      want STOPS REOPENS RELOADS     repeated until it is answered (requests.h)
//
// How the worker's process ended says nothing: a plugin may have ended it with any status. Messages
// that a worker sent before it died can still be received afterwards, with their descriptors: they
// lie in the keeper's end of the socket.
namespace standpipe::keeper {

// What the keeper has by this name is a configuration that a worker has begun with and that was
// never ready yet (worker/configurations.h): such a worker has only so long to become ready.
constexpr auto kTriedConfiguration = "configuration-tried";

constexpr std::size_t kNameBytesMax = 512;
constexpr std::size_t kMessageBytesMax = kNameBytesMax + 64;

struct Message {
  std::string verb;
  std::string rest;
  Fd fd;
};

enum class Received { message, nothing, end };

// Sends a duplicate of `fd` along, if there is one. Returns errno, or 0 when it was sent. What is
// too long is cut.
int send(int socket, std::string_view verb, std::string_view rest = {}, int fd = -1);
// The other side has not yet read all that was sent.
bool holds_unread(int socket);
// The next message, without waiting for one. A descriptor that came along is close-on-exec; one
// that did not fit is lost.
Received receive(int socket, Message& message);

}  // namespace standpipe::keeper
