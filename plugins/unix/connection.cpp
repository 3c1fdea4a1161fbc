// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <cerrno>

#include "address.h"
#include "common/error_text.h"

namespace unix_socket {

namespace {

common::Fd connect_to(const Endpoint& endpoint) {
  const Address address(endpoint.path);
  auto fd = make_socket(endpoint);
  int error = 0;
  do error = ::connect(fd.get(), address.get(), address.size()) == 0 ? 0 : errno;
  while (error == EINTR);
  const auto& path = endpoint.path;
  switch (error) {
    case 0:
      return fd;
    case ENOENT:
    case ECONNREFUSED:
      throw standpipe::disconnected("nobody serves " + path + " (" + common::error_text(error) +
                                    ")");
    case EAGAIN:
      throw standpipe::disconnected("the backlog of " + path +
                                    " is full: its server accepts no connections now");
    case EPROTOTYPE:
      throw standpipe::fatal("type: the server at " + path +
                             " has a socket of another type; write type: " +
                             (endpoint.is_packets ? "stream" : "seqpacket"));
    case EACCES:
    case EPERM:
      throw standpipe::fatal("may not connect to " + path + " (" + common::error_text(error) +
                             "): this user needs to write to the socket and to enter its folders");
    default:
      throw standpipe::disconnected("cannot connect to " + path + ": " + common::error_text(error));
  }
}

}  // namespace

Connection connect_to_server(standpipe::Host host, const Settings& settings) {
  const auto& endpoint = settings.endpoint;
  auto fd = connect_to(endpoint);
  auto who = Credentials::of(fd.get());
  const AllowList allow(settings.allowed);
  if (!allow.allows(who))
    throw standpipe::fatal("the server at " + endpoint.path + " (" + who.text() +
                           ") is not in allow_users or allow_groups");
  if (endpoint.is_abstract() && allow.is_empty())
    host.warning("path " + endpoint.path +
                 " is an abstract name, which any user can serve: set allow_users to whom the "
                 "server must run as");
  return {std::move(fd), std::move(who)};
}

}  // namespace unix_socket
