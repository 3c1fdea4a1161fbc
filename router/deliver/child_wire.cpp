// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace standpipe::deliver {
namespace {

// A request's fixed part; the text follows.
struct RequestHead {
  std::uint32_t service, number, mode, flags;
  std::uint64_t bytes, time_ns;
};

// What one packet brought.
struct Packet {
  ssize_t bytes = 0;
  bool is_whole = true;
  Fd file;
};

int send_parts(int socket, const void* head, std::size_t head_bytes, std::string_view text,
               int file, int flags) {
  iovec parts[2] = {{const_cast<void*>(head), head_bytes},
                    {const_cast<char*>(text.data()), text.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (file >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    auto* along = CMSG_FIRSTHDR(&message);
    along->cmsg_level = SOL_SOCKET;
    along->cmsg_type = SCM_RIGHTS;
    along->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(along), &file, sizeof file);
  }
  while (::sendmsg(socket, &message, flags | MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

// One descriptor at most is taken: the kernel closes what there is no room for, and says so.
Packet receive_packet(int socket, void* to, std::size_t room, int flags) {
  iovec part = {to, room};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  Packet packet;
  while ((packet.bytes = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) return packet;
  packet.is_whole = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  const auto* along = CMSG_FIRSTHDR(&message);
  if (along && along->cmsg_level == SOL_SOCKET && along->cmsg_type == SCM_RIGHTS &&
      along->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(along), sizeof fd);
    packet.file = Fd(fd);
  }
  return packet;
}

// Of what recvmsg returned: an empty packet is the end as well, and nothing of ours is empty.
Heard heard(const Packet& packet) {
  if (packet.bytes > 0) return packet.is_whole ? Heard::message : Heard::nonsense;
  return packet.bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Heard::nothing
                                                                       : Heard::end;
}

bool is_known(std::uint32_t service) {
  return service > static_cast<std::uint32_t>(Service::none) &&
         service <= static_cast<std::uint32_t>(Service::settle);
}

}  // namespace

int send_number(int socket, std::uint64_t number) {
  return send_parts(socket, &number, sizeof number, {}, -1, MSG_DONTWAIT);
}

Heard receive_number(int socket, std::uint64_t& number, bool waits) {
  const auto packet = receive_packet(socket, &number, sizeof number, waits ? 0 : MSG_DONTWAIT);
  const auto what = heard(packet);
  const bool fits = packet.bytes == sizeof number && !packet.file;
  return what == Heard::message && !fits ? Heard::nonsense : what;
}

int send_request(int socket, const ServiceRequest& request, int file) {
  const RequestHead head{static_cast<std::uint32_t>(request.service),
                         request.number,
                         request.mode,
                         request.flags,
                         request.bytes,
                         request.time_ns};
  const auto text = std::string_view(request.text).substr(0, ServiceRequest::kTextBytesMax);
  return send_parts(socket, &head, sizeof head, text, file, 0);
}

Heard receive_request(int socket, ServiceRequest& request) {
  std::array<char, sizeof(RequestHead) + ServiceRequest::kTextBytesMax> bytes;
  auto packet = receive_packet(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  const auto what = heard(packet);
  if (what != Heard::message) return what;
  const auto size = static_cast<std::size_t>(packet.bytes);
  RequestHead head{};
  if (size < sizeof head) return Heard::nonsense;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (!is_known(head.service)) return Heard::nonsense;
  request = {.service = static_cast<Service>(head.service),
             .number = head.number,
             .mode = head.mode,
             .flags = head.flags,
             .bytes = head.bytes,
             .time_ns = head.time_ns,
             .text = {bytes.data() + sizeof head, size - sizeof head},
             .file = std::move(packet.file)};
  const bool brings_file = request.service == Service::add_file;
  return brings_file == static_cast<bool>(request.file) ? Heard::message : Heard::nonsense;
}

// The child waits for it, so there is room, unless it asks without listening.
int send_answer(int socket, const ServiceAnswer& answer) {
  const auto why = std::string_view(answer.why).substr(0, ServiceRequest::kTextBytesMax);
  return send_parts(socket, &answer.number, sizeof answer.number, why, -1, MSG_DONTWAIT);
}

std::optional<ServiceAnswer> receive_answer(int socket) {
  std::array<char, sizeof(std::uint32_t) + ServiceRequest::kTextBytesMax> bytes;
  const auto packet = receive_packet(socket, bytes.data(), bytes.size(), 0);
  ServiceAnswer answer;
  if (heard(packet) != Heard::message ||
      static_cast<std::size_t>(packet.bytes) < sizeof answer.number)
    return std::nullopt;
  std::memcpy(&answer.number, bytes.data(), sizeof answer.number);
  answer.why.assign(bytes.data() + sizeof answer.number,
                    static_cast<std::size_t>(packet.bytes) - sizeof answer.number);
  return answer;
}

}  // namespace standpipe::deliver
