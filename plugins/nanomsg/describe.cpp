// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

namespace {

void describe_socket(standpipe::Description& d) {
  d.option("protocol")
      .one_of({"req", "push", "pub", "rep", "pull", "sub"})
      .summary(
          "of a handler: req, push or pub; of a source: rep, pull or sub; default: req or rep, "
          "which alone lose nothing");
  d.option("urls")
      .list()
      .required()
      .example("[tcp://10.0.0.7:5555]")
      .summary("where to connect or listen: tcp://HOST:PORT, ipc://PATH or ws://HOST:PORT");
  d.option("listen").boolean().fallback("false").summary(
      "listen at the urls, so that peers connect; false: connect to them");
  d.option("recv_max_size")
      .bytes()
      .fallback("64MiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary(
          "the largest message, and batch. A handler rejects what is larger; a source cuts the "
          "connection (NN_RCVMAXSIZE)");
  d.option("send_buffer")
      .bytes()
      .fallback("128KiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary("how much is queued for a peer that does not read (NN_SNDBUF)");
  d.option("recv_buffer")
      .bytes()
      .fallback("128KiB")
      .minimum("1B")
      .maximum("1GiB")
      .summary("how much is queued of a peer (NN_RCVBUF)");
  d.option("reconnect_ivl")
      .duration()
      .fallback("100ms")
      .minimum("1ms")
      .maximum("1h")
      .summary("the first pause before it connects again (NN_RECONNECT_IVL)");
  d.option("reconnect_ivl_max")
      .duration()
      .fallback("5s")
      .minimum("0s")
      .maximum("1h")
      .summary("up to which that pause doubles; 0s: it does not (NN_RECONNECT_IVL_MAX)");
  d.option("linger").duration().fallback("200ms").minimum("0s").maximum("10s").summary(
      "of push and pub: how long after the last message it is closed; libnanomsg forgets at "
      "once what it has queued");
}

void describe_messages(standpipe::Description& d) {
  d.option("framing")
      .one_of({"none", "length_prefixed"})
      .fallback("none")
      .summary(
          "none: one message is one SP message, as any peer sends it; length_prefixed: many are "
          "one, each after its length (4 bytes, little endian)");
  d.option("metadata")
      .boolean()
      .fallback("false")
      .summary("with framing: length_prefixed, metadata is a frame before each payload");
  d.option("headers")
      .of_handler()
      .map()
      .example("{id: '{source}:{sequence}'}")
      .summary("of a handler with metadata: more pairs, whose values are templates");
  d.option("topic")
      .of_handler()
      .text()
      .example("'{meta:topic|none}|'")
      .summary("of pub: a template of what is before the message, by which subscribers choose");
  d.option("subscribe")
      .of_source()
      .list()
      .example("[alarms, orders]")
      .summary("of sub: what to take, by how it begins (NN_SUB_SUBSCRIBE); default: all");
}

void describe_requests(standpipe::Description& d) {
  d.option("window").of_handler().integer().fallback("1").minimum("1").maximum("64").summary(
      "of req: how many requests are open at a time, each on a socket of its own; above 1 the "
      "order is not kept");
  d.option("resend_ivl")
      .of_handler()
      .duration()
      .fallback("10s")
      .minimum("100ms")
      .maximum("1h")
      .summary("of req: after which time without a reply it is sent again (NN_REQ_RESEND_IVL)");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("nanomsg")
      .version("1.0")
      .summary("sends messages to nanomsg and nng peers, or takes theirs")
      .own_process()
      .settles_later();
  d.documentation(
      "A handler is a REQ, PUSH or PUB socket, a source a REP, PULL or SUB socket, of libnanomsg.\n"
      "They speak to nanomsg and to nng (req0, push0, pub0 ...).\n"
      "\n"
      "REQ and REP: at least once. A handler sends a message, or a batch of them (framing), as a\n"
      "request, and the reply, whatever it says, is the acknowledgement. A request without a\n"
      "reply is sent again when the connection was lost, and after resend_ivl. A source replies,\n"
      "with nothing in it, once all handlers have the messages. So a plain peer is a REP program\n"
      "that replies when it has stored what it was given.\n"
      "\n"
      "PUSH, PUB, PULL and SUB PROMISE NOTHING beyond this hub. A message counts as delivered "
      "once\n"
      "libnanomsg has queued it, and what is queued here (send_buffer), there and in the kernel "
      "is\n"
      "lost if either process ends or the connection breaks. PUB drops for a subscriber that is\n"
      "slow. A source has what it received in the hub's log at once, but its peer never learns\n"
      "whether it has.\n"
      "\n"
      "libnanomsg reconnects by itself. While nobody is there, messages wait in the hub, and no\n"
      "attempt is counted (PUB drops).\n"
      "\n"
      "framing: length_prefixed puts as many messages as handle has at a time (at most 2,048,\n"
      "or 512 KiB and one message) into one SP message, each as its length (4 bytes, little "
      "endian)\n"
      "and its bytes; with metadata: true there is before each such frame one with its metadata:\n"
      "name, value, name, value ..., each with its length. It is much faster, and both sides\n"
      "must have it.\n"
      "\n"
      "There is no encryption and no authentication: use it on trusted networks, or in a tunnel.");
  describe_socket(d);
  describe_messages(d);
  describe_requests(d);
}
