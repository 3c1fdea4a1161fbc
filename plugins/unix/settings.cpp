// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include "address.h"
#include "common/mode.h"

namespace unix_socket {

namespace {

Wire wire_of(const standpipe::Options& options) {
  Wire wire;
  wire.is_packets = options.text("type") == "seqpacket";
  wire.is_lines = options.text("framing") == "newline";
  wire.has_acks = options.boolean("ack");
  wire.has_metadata = options.boolean("metadata");
  wire.message_max = options.bytes("max_message_size");
  if (wire.is_lines && wire.is_packets)
    throw standpipe::fatal("framing: with type: seqpacket a packet is a message; leave it out");
  if (wire.is_lines && wire.has_acks)
    throw standpipe::fatal("framing: a line has no room for a sequence; ack needs framing: length");
  if (wire.is_lines && wire.has_metadata)
    throw standpipe::fatal("framing: a line has no room for metadata, which needs framing: length");
  return wire;
}

}  // namespace

Settings::Settings(const standpipe::Options& options)
    : endpoint{options.text("path"), options.boolean("listen"), options.text("type") == "seqpacket",
               static_cast<int>(options.has("so_sndbuf") ? options.bytes("so_sndbuf") : 0)},
      listen{common::octal_mode("mode", options.text("mode")), options.text("owner"),
             options.text("group"), static_cast<int>(options.integer("backlog")),
             static_cast<std::size_t>(options.integer("max_connections"))},
      allowed{options.list("allow_users"), options.list("allow_groups")},
      send{static_cast<std::size_t>(options.integer("window")), options.bytes("window_size"),
           options.text("distribute") == "all", options.duration("slow_client_timeout"),
           options.map("headers")},
      wire(wire_of(options)),
      brings_credentials(options.boolean("credentials")) {
  const Address is_checked(endpoint.path);
  if (!send.headers.empty() && !wire.has_metadata)
    throw standpipe::fatal("headers: they travel as metadata; set metadata: true at both ends");
  for (const auto& [name, text] : send.headers)
    if (name.empty() || name.size() > STANDPIPE_META_NAME_MAX)
      throw standpipe::fatal("headers: a name has 1 to " + std::to_string(STANDPIPE_META_NAME_MAX) +
                             " bytes");
}

namespace {

void describe_socket(standpipe::Description& d) {
  d.option("path")
      .text()
      .required()
      .example("/run/app/orders.sock")
      .summary(
          "of the socket, at most 107 bytes; @NAME is an abstract name, which has no permissions");
  d.option("listen").boolean().fallback("false").summary(
      "be the server, which makes the socket, instead of connecting to one");
  d.option("type")
      .one_of({"stream", "seqpacket"})
      .fallback("stream")
      .summary(
          "of the socket; with seqpacket each packet is a message, of at most SO_SNDBUF less "
          "32 bytes");
  d.option("framing")
      .one_of({"length", "newline"})
      .fallback("length")
      .summary(
          "of a stream: 4 bytes of length (little endian) before each message, or a newline "
          "after it");
  d.option("ack").boolean().fallback("false").summary(
      "messages are acknowledged, so none is lost; the same at both ends");
  d.option("metadata")
      .boolean()
      .fallback("false")
      .summary("metadata travels with each message; the same at both ends");
  d.option("max_message_size")
      .bytes()
      .fallback("16MiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary("of a payload; a handler rejects what is larger, a source ends the connection");
}

void describe_server(standpipe::Description& d) {
  d.option("mode")
      .text()
      .fallback("0600")
      .example("\"0660\"")
      .summary("of a server's socket: who may write to it may connect");
  d.option("owner").text().summary("of a server's socket: a user's name or number");
  d.option("group").text().summary("of a server's socket: a group's name or number");
  d.option("backlog").integer().fallback("128").minimum("1").maximum("65535").summary(
      "of a server: how many may wait to be accepted");
  d.option("max_connections")
      .integer()
      .fallback("64")
      .minimum("1")
      .maximum("10000")
      .summary("of a server: how many clients it has at a time; more wait in the backlog");
}

// Who may be there, and what the kernel holds for it and says of it.
void describe_peer(standpipe::Description& d) {
  d.option("allow_users")
      .list()
      .example("[app, \"1001\"]")
      .summary("users, by name or number, that may be at the other end (SO_PEERCRED)");
  d.option("allow_groups")
      .list()
      .example("[wheel]")
      .summary("groups, of which one must have the user at the other end");
  d.option("so_sndbuf")
      .bytes()
      .minimum("4KiB")
      .maximum("1GiB")
      .summary(
          "SO_SNDBUF: how much the kernel holds for the other end; net.core.wmem_max bounds "
          "it");
  d.option("credentials")
      .of_source()
      .boolean()
      .fallback("true")
      .summary("of a source: pid, uid and gid of the other end become metadata of each message");
}

void describe_handler(standpipe::Description& d) {
  d.option("window")
      .of_handler()
      .integer()
      .fallback("65536")
      .minimum("1")
      .maximum("10000000")
      .summary("of a handler: how many messages may be sent and not settled");
  d.option("window_size")
      .of_handler()
      .bytes()
      .fallback("8MiB")
      .minimum("1KiB")
      .maximum("1GiB")
      .summary("of a handler: how many bytes of them; it holds a copy");
  d.option("distribute")
      .of_handler()
      .one_of({"one", "all"})
      .fallback("one")
      .summary("of a handler that is a server: who of several clients gets a message");
  d.option("slow_client_timeout")
      .of_handler()
      .duration()
      .fallback("30s")
      .minimum("0s")
      .maximum("1d")
      .summary(
          "with distribute: all, how long a client may take nothing before it is "
          "disconnected; 0s: for ever");
  d.option("headers")
      .of_handler()
      .map()
      .example("{id: \"{source}:{sequence}\"}")
      .summary("of a handler: metadata that it adds, as templates; needs metadata: true");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("unix").version("1.0").summary("messages over Unix domain sockets, both ways");
  d.documentation(
      "A handler sends messages to the other end of a Unix domain socket, and a source brings\n"
      "those that come from there. Either connects to a server, or is one (listen: true) that\n"
      "several clients connect to.\n"
      "\n"
      "With ack: true every message has a sequence, and the receiver says up to which it has made\n"
      "them safe; what is not acknowledged when a connection or a process ends is sent again. So\n"
      "between a handler and a source with ack: true nothing is lost when either hub is killed,\n"
      "and repeats come only after such an end. Other programs can take part: PROTOCOL.md (in\n"
      "share/doc/standpipe/unix) has the bytes on a page. Without it a message counts as "
      "delivered\n"
      "once the kernel has it: what lies in the socket when the receiver ends is lost, up to the\n"
      "socket's buffer (208 KiB), and so is what a source had read and not brought.\n"
      "\n"
      "As a server a handler gives each message to one client (distribute: one: the one that has\n"
      "least to do; in order as long as there is one client) or to all that are connected then.\n"
      "Where nobody is connected, messages wait, and the handler counts as disconnected.\n"
      "\n"
      "The file of a dead server is removed when the next one starts; one that somebody serves is\n"
      "never taken. PATH.lock beside it is locked meanwhile.");
  describe_socket(d);
  describe_server(d);
  describe_peer(d);
  describe_handler(d);
}

}  // namespace unix_socket
