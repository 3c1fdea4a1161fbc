// SPDX-License-Identifier: Apache-2.0
#include "description.h"

namespace nats {

namespace {

void describe_connection(standpipe::Description& d) {
  d.option("servers")
      .list()
      .example("[nats://10.0.0.1:4222, nats://10.0.0.2:4222]")
      .summary("URLs of servers of one cluster (nats:// or tls://); default nats://127.0.0.1:4222");
  d.option("user").text().example("standpipe").summary("log in as this user, with password");
  d.option("password").secret().summary("of user; or put it into a file: password_file");
  d.option("token").secret().summary("log in by a token; or token_file");
  d.option("creds")
      .path()
      .example("/etc/standpipe/nats.creds")
      .summary("log in by a credentials file (a JWT and its seed)");
  d.option("nkey")
      .text()
      .example("UDXU4R...")
      .summary("log in by an NKey: its public key; with nkey_seed");
  d.option("nkey_seed").path().summary("the file with the seed of nkey");
  d.option("tls").boolean().fallback("false").summary(
      "encrypt, and verify the server's certificate and its host name");
  d.option("tls_ca").path().summary(
      "a PEM file with the authorities to trust; default: those of the system");
  d.option("tls_cert").path().summary("a PEM file with the client's certificate chain");
  d.option("tls_key").path().summary("a PEM file with the key of tls_cert");
  d.option("domain").text().summary("the JetStream domain, where the servers have several");
  d.option("timeout").duration().fallback("5s").minimum("100ms").maximum("1m").summary(
      "how long connecting, or a question to JetStream, may take");
  d.option("stream").text().example("ORDERS").summary(
      "source: the stream to read. Handler: the only stream that may take the messages");
}

void describe_handler(standpipe::Description& d) {
  d.option("subject")
      .of_handler()
      .text()
      .required()
      .example("orders.{json:/country|unknown}")
      .summary("handler: where messages are published; a template");
  d.option("headers")
      .of_handler()
      .map()
      .example("{Device: \"{json:/device}\"}")
      .summary("handler: headers of each message; the values are templates");
  d.option("metadata")
      .of_handler()
      .boolean()
      .fallback("true")
      .summary("handler: a message's own metadata become headers");
  d.option("msg_id").of_handler().text().summary(
      "handler: Nats-Msg-Id, by which a stream drops repeats; a template. Default: the source, the "
      "sequence and the time of the message, and the run of the hub. Empty: none");
  d.option("max_pending")
      .of_handler()
      .integer()
      .fallback("4000")
      .minimum("1")
      .maximum("1000000")
      .unit("messages")
      .summary("handler: how many may be published and not yet acknowledged");
  d.option("max_pending_bytes")
      .of_handler()
      .bytes()
      .fallback("16MiB")
      .minimum("1KiB")
      .summary("handler: likewise, bytes of payload");
  d.option("ack_timeout")
      .of_handler()
      .duration()
      .fallback("10s")
      .minimum("1s")
      .summary(
          "handler: how long no acknowledgement may come before the connection counts as lost");
}

void describe_consumer(standpipe::Description& d) {
  d.option("durable")
      .of_source()
      .text()
      .example("standpipe")
      .summary("source: the durable pull consumer; it remembers what was acknowledged");
  d.option("filter_subject")
      .of_source()
      .text()
      .example("orders.*")
      .summary("source: only messages of these subjects");
  d.option("create_consumer")
      .of_source()
      .boolean()
      .fallback("true")
      .summary("source: create the consumer where it does not exist; false: that is an error");
  d.option("deliver_policy")
      .of_source()
      .one_of({"all", "last", "last_per_subject", "new", "by_start_sequence", "by_start_time"})
      .fallback("all")
      .summary("source: where a consumer that is created begins");
  d.option("start_sequence")
      .of_source()
      .integer()
      .fallback("0")
      .minimum("0")
      .summary("source: for deliver_policy: by_start_sequence");
  d.option("start_time")
      .of_source()
      .text()
      .example("2026-05-01T12:00:00.000Z")
      .summary("source: for deliver_policy: by_start_time");
}

void describe_redelivery(standpipe::Description& d) {
  d.option("ack_wait")
      .of_source()
      .duration()
      .fallback("30s")
      .minimum("1s")
      .summary(
          "source: of a consumer that is created: what is not acknowledged for so long is "
          "redelivered");
  d.option("max_ack_pending")
      .of_source()
      .integer()
      .fallback("20000")
      .minimum("1")
      .unit("messages")
      .summary("source: of a consumer that is created: delivered and not yet acknowledged");
  d.option("max_deliver")
      .of_source()
      .integer()
      .fallback("-1")
      .minimum("-1")
      .summary(
          "source: of a consumer that is created: the server gives up after so many deliveries; "
          "-1: never");
}

void describe_fetching(standpipe::Description& d) {
  d.option("fetch_batch")
      .of_source()
      .integer()
      .fallback("2000")
      .minimum("1")
      .maximum("100000")
      .unit("messages")
      .summary("source: how many are asked for at a time");
  d.option("fetch_max_bytes")
      .of_source()
      .bytes()
      .fallback("8MiB")
      .minimum("64KiB")
      .summary("source: likewise, bytes; never less than one message of the server's max_payload");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("nats")
      .version("1.0")
      .summary("publishes to NATS JetStream, and reads from it")
      .own_process()
      .settles_later();
  d.documentation(
      "Handler: publishes each message to a subject that a stream of JetStream takes, and is done\n"
      "with it when the stream acknowledges (at least once). Up to max_pending messages are on\n"
      "the way at a time. Each has a Nats-Msg-Id that is the same at every attempt, so a stream\n"
      "drops repeats within its duplicate window.\n"
      "\n"
      "Source: reads a stream by a durable pull consumer with explicit acknowledgement, and\n"
      "acknowledges a message when the hub says that it is safe (at least once). What takes long\n"
      "is kept alive with InProgress, so that the server does not redeliver it.\n"
      "\n"
      "A source gives each message the metadata subject, stream, stream_sequence and\n"
      "num_delivered (1 at the first delivery), and all of its headers.\n"
      "\n"
      "When the connection is lost, the hub opens it again with growing pauses; messages wait,\n"
      "and no attempt counts. Wrong credentials, a missing stream or consumer, and a consumer\n"
      "that does not fit hold the handler or source, with a reason, until a person acts. A\n"
      "message that is larger than the server's max_payload or the stream's max_msg_size, or\n"
      "whose subject is none, is rejected.");
  describe_connection(d);
  describe_handler(d);
  describe_consumer(d);
  describe_redelivery(d);
  describe_fetching(d);
}

}  // namespace nats
