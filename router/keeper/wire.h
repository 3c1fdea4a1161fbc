// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"

// What a worker and its keeper say to each other over a pair of SOCK_SEQPACKET sockets: a packet is a sentence, "VERB REST".
//
//   worker -> keeper   keep NAME (with the descriptor)   answered by `kept` or `refused REASON`
//                      forget NAME   ready [STATUS]   saving   stopping   pong
//                      have STOPS REOPENS RELOADS     answers `want`
//                      damaged                        the memory does not hold together: no other worker could go on with it
//                      end STATUS                     all is done, or nothing could begin: the process ends, and is meant to
//   keeper -> worker   ping
//                      want STOPS REOPENS RELOADS     said until it is answered (requests.h)
//
// How a worker ends is not among it: whatever status its process has, a plugin may have ended it with that.
// What a worker said before it died can still be heard afterwards, descriptors included: they lie in the keeper's end.
namespace standpipe::keeper {

constexpr std::size_t kNameBytesMax = 512;
constexpr std::size_t kSentenceBytesMax = kNameBytesMax + 64;

struct Sentence {
  std::string verb;
  std::string rest;
  Fd fd;
};

enum class Heard { sentence, nothing, end };

// A duplicate of `fd` goes along, if there is one. Returns errno; 0: said. What is too long is cut.
int tell(int socket, std::string_view verb, std::string_view rest = {}, int fd = -1);
// The other side has not yet read all that was said.
bool holds_unread(int socket);
// The next sentence, without waiting for one. A descriptor that came along is close-on-exec; one that did not fit is lost.
Heard hear(int socket, Sentence& sentence);

}  // namespace standpipe::keeper
