// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

namespace {

void describe_socket(standpipe::Description& d) {
  d.option("socket_type")
      .one_of({"push", "pub", "dealer", "pull", "sub", "router"})
      .summary(
          "of a handler: push, pub or dealer; of a source: pull, sub or router; default: push or "
          "pull, with ack dealer or router");
  d.option("endpoints")
      .list()
      .required()
      .example("[tcp://10.0.0.7:5555]")
      .summary("where to connect or bind: tcp://HOST:PORT or ipc://PATH");
  d.option("bind").boolean().fallback("false").summary(
      "bind to the endpoints, so that peers connect; false: connect to them");
  d.option("sndhwm")
      .of_handler()
      .integer()
      .fallback("1000")
      .minimum("1")
      .maximum("1000000")
      .summary("how many messages libzmq queues for one peer that does not read (ZMQ_SNDHWM)");
  d.option("rcvhwm").of_source().integer().fallback("1000").minimum("1").maximum("1000000").summary(
      "how many messages libzmq queues of one peer (ZMQ_RCVHWM)");
  d.option("linger").of_handler().duration().fallback("1s").minimum("0s").maximum("1m").summary(
      "how long closing waits for what libzmq has not sent yet (ZMQ_LINGER)");
  d.option("immediate")
      .of_handler()
      .boolean()
      .fallback("true")
      .summary(
          "queue only for peers that are connected (ZMQ_IMMEDIATE); false: also for those to come");
}

void describe_connections(standpipe::Description& d) {
  d.option("reconnect_ivl")
      .duration()
      .fallback("100ms")
      .minimum("1ms")
      .maximum("1h")
      .summary("the first pause before libzmq connects again, with jitter (ZMQ_RECONNECT_IVL)");
  d.option("reconnect_ivl_max")
      .duration()
      .fallback("5s")
      .minimum("0s")
      .maximum("1h")
      .summary("up to which that pause doubles; 0s: it does not (ZMQ_RECONNECT_IVL_MAX)");
  d.option("heartbeat_ivl")
      .duration()
      .fallback("5s")
      .minimum("0s")
      .maximum("1h")
      .summary("how often an idle peer is asked whether it lives; 0s: never (ZMQ_HEARTBEAT_IVL)");
  d.option("heartbeat_timeout")
      .duration()
      .fallback("15s")
      .minimum("1ms")
      .maximum("1h")
      .summary("after which silence it counts as dead (ZMQ_HEARTBEAT_TIMEOUT)");
  d.option("maxmsgsize")
      .bytes()
      .fallback("64MiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary(
          "the largest frame. A handler rejects what is larger; a source disconnects its peer "
          "(ZMQ_MAXMSGSIZE)");
  d.option("routing_id").text().summary("of a dealer: its name at a router (ZMQ_ROUTING_ID)");
  d.option("xpub_nodrop")
      .of_handler()
      .boolean()
      .fallback("false")
      .summary("of pub: wait for the slowest subscriber instead of dropping (ZMQ_XPUB_NODROP)");
}

void describe_messages(standpipe::Description& d) {
  d.option("subscribe")
      .of_source()
      .list()
      .example("[alarms., orders.]")
      .summary("of sub: which topics to take, by how they begin (ZMQ_SUBSCRIBE); default: all");
  d.option("topic")
      .of_handler()
      .text()
      .example("'{meta:topic|none}'")
      .summary("of pub: a template of the first frame; without it there is none");
  d.option("metadata")
      .boolean()
      .fallback("false")
      .summary("a frame with metadata is before each payload (PROTOCOL.md)");
  d.option("headers")
      .of_handler()
      .map()
      .example("{id: '{source}:{sequence}'}")
      .summary("of a handler with metadata: more pairs, whose values are templates");
}

void describe_acknowledgements(standpipe::Description& d) {
  d.option("ack").boolean().fallback("false").summary(
      "at least once, by the protocol of PROTOCOL.md: over dealer (handler) and router (source)");
  d.option("window")
      .of_handler()
      .integer()
      .fallback("10000")
      .minimum("1")
      .maximum("1000000")
      .summary("with ack: how many messages may be sent and not acknowledged");
  d.option("window_bytes")
      .of_handler()
      .bytes()
      .fallback("16MiB")
      .minimum("1KiB")
      .maximum("1GiB")
      .summary("with ack: likewise, bytes");
  d.option("resend_ivl")
      .of_handler()
      .duration()
      .fallback("2s")
      .minimum("10ms")
      .maximum("1h")
      .summary(
          "with ack: how long nothing is acknowledged before the first open batch is sent again; "
          "doubles up to 30s");
}

void describe_curve(standpipe::Description& d) {
  d.option("curve_server")
      .boolean()
      .fallback("false")
      .summary("this side is the server of CURVE; it needs curve_secretkey");
  d.option("curve_serverkey")
      .text()
      .summary("the server's public key, in Z85 (40 characters): encrypts, as its client");
  d.option("curve_publickey").text().summary("this side's public key; default: of the secret one");
  d.option("curve_secretkey").secret().summary("this side's secret key, in Z85");
  d.option("curve_clientkeys")
      .list()
      .summary("of the server: public keys of the clients that may connect; default: all may");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("zeromq")
      .version("1.0")
      .summary("sends messages to ZeroMQ peers, or takes theirs")
      .own_process()
      .settles_later();
  d.documentation(
      "A handler is a PUSH, PUB or DEALER socket, a source a PULL, SUB or ROUTER socket.\n"
      "\n"
      "WITHOUT ack: true NOTHING IS PROMISED beyond this hub. ZeroMQ acknowledges nothing: a\n"
      "message counts as delivered once libzmq has queued it, and what is queued (sndhwm messages\n"
      "here, rcvhwm there, and what the kernel buffers) is lost if either process ends or the\n"
      "connection breaks. PUB drops for a subscriber that is slow, and what nobody has\n"
      "subscribed to. A source has what it received in the hub's log at once, but its peer never\n"
      "learns whether it has.\n"
      "\n"
      "With ack: true, over DEALER (handler) and ROUTER (source), messages travel in numbered\n"
      "batches that the other side acknowledges once they are safe, and are sent again until\n"
      "then: at least once, in order, through the death of either side. The other side is a\n"
      "source with ack: true, or any program that speaks PROTOCOL.md (20 lines of Python).\n"
      "\n"
      "libzmq reconnects by itself. Nothing is queued for peers that are not there (immediate),\n"
      "so messages wait in the hub meanwhile, and no attempt is counted.\n"
      "\n"
      "A message is [topic] [metadata] payload, each a frame. A source takes the last frame as\n"
      "payload. Of those before it, the first one of sub is metadata `topic`, that of router is\n"
      "`routing_id`, the metadata frame (metadata: true) is what it says, and any other is\n"
      "metadata `frame`.\n"
      "\n"
      "CURVE encrypts and authenticates. The server has curve_server: true and its\n"
      "curve_secretkey (better: curve_secretkey_file), the client the server's public key as\n"
      "curve_serverkey and its own curve_secretkey. Keys are made by zmq_curve_keypair, or\n"
      "python3 -c 'import zmq; print(*zmq.curve_keypair())'.");
  describe_socket(d);
  describe_connections(d);
  describe_messages(d);
  describe_acknowledgements(d);
  describe_curve(d);
}
