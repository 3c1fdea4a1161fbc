// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

namespace {

void describe_broker(standpipe::Description& d) {
  d.option("host")
      .text()
      .example("rabbit.example.org")
      .summary("the broker's host; 127.0.0.1 if neither it nor uri is given");
  d.option("port").integer().minimum("1").maximum("65535").summary(
      "the broker's port; 5672, and with TLS 5671");
  d.option("vhost").text().example("orders").summary("the virtual host; / if it is not given");
  d.option("user").text().summary("the user's name; guest if it is not given");
  d.option("password").secret().summary("the user's password; guest if it is not given");
  d.option("uri").secret().summary(
      "all of these at once: amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS");
  d.option("tls").boolean().fallback("false").summary("speak TLS (amqps)");
  d.option("cacertfile")
      .path()
      .fallback("/etc/ssl/certs/ca-certificates.crt")
      .summary("the authorities that may have signed the broker's certificate (PEM)");
  d.option("certfile").path().summary("this client's certificate (PEM)");
  d.option("keyfile").path().summary("and its key (PEM)");
  d.option("verify")
      .one_of({"verify_peer", "verify_none"})
      .fallback("verify_peer")
      .summary("whether the broker's certificate and its host name must be right");
  d.option("heartbeat")
      .duration()
      .fallback("20s")
      .minimum("0s")
      .maximum("1h")
      .summary("a silence of twice that ends the connection; 0s: no heartbeats; whole seconds");
  d.option("connection_timeout")
      .duration()
      .fallback("5s")
      .minimum("100ms")
      .maximum("5m")
      .summary("how long connecting, logging in and each declaration may take");
  d.option("frame_max")
      .bytes()
      .fallback("128KiB")
      .minimum("4KiB")
      .maximum("1MiB")
      .summary("the largest frame; the broker may ask for less");
}

void describe_queue(standpipe::Description& d) {
  d.option("queue").text().example("orders").summary(
      "source: the queue to consume; handler: the queue to publish to, by the default exchange");
  d.option("declare").boolean().fallback("false").summary(
      "create the queue if it is missing; else a missing one is an error");
  d.option("durable").boolean().fallback("true").summary(
      "declare: the queue survives a restart of the broker");
  d.option("queue_type")
      .one_of({"classic", "quorum"})
      .summary("declare: its x-queue-type; the broker's default if it is not given");
  d.option("exchange")
      .text()
      .example("events")
      .summary(
          "handler: the exchange to publish to, a template; source: the one to bind the queue to");
}

void describe_handler(standpipe::Description& d) {
  d.option("routing_key")
      .of_handler()
      .text()
      .example("\"{json:/type|other}\"")
      .summary("handler: the routing key, a template");
  d.option("mandatory")
      .of_handler()
      .boolean()
      .fallback("true")
      .summary("handler: a message that reaches no queue is rejected; false: the broker drops it");
  d.option("delivery_mode")
      .of_handler()
      .one_of({"persistent", "transient"})
      .fallback("persistent")
      .summary("handler: whether durable queues keep messages through a restart of the broker");
  d.option("content_type")
      .of_handler()
      .text()
      .fallback("{meta:content_type|application/octet-stream}")
      .summary("handler: the property, a template");
  d.option("properties")
      .of_handler()
      .map()
      .example("{ correlation_id: \"{json:/id}\" }")
      .summary("handler: further properties, with templates");
  d.option("headers")
      .of_handler()
      .map()
      .example("{ device: \"{json:/device|unknown}\" }")
      .summary("handler: headers, with templates");
  d.option("metadata")
      .of_handler()
      .boolean()
      .fallback("true")
      .summary("handler: a message's metadata becomes headers and properties");
  d.option("max_unconfirmed")
      .of_handler()
      .integer()
      .fallback("4096")
      .minimum("1")
      .maximum("8192")
      .unit("messages")
      .summary("handler: messages that were published and not confirmed yet, at most");
  d.option("max_unconfirmed_size")
      .of_handler()
      .bytes()
      .fallback("32MiB")
      .minimum("1KiB")
      .maximum("4GiB")
      .summary("handler: and their bytes; one larger message goes alone");
  d.option("max_message_size")
      .of_handler()
      .bytes()
      .fallback("128MiB")
      .minimum("1B")
      .summary("handler: larger messages are rejected; the broker's limit, if it was changed");
}

void describe_source(standpipe::Description& d) {
  d.option("binding_keys")
      .of_source()
      .list()
      .summary(
          "source: bind the queue to exchange with these keys; one that is empty if none is given");
  d.option("prefetch_count")
      .of_source()
      .integer()
      .fallback("1000")
      .minimum("1")
      .maximum("65535")
      .unit("messages")
      .summary("source: messages that the broker sends and that are not acknowledged, at most");
}

}  // namespace

void RabbitHandler::describe(standpipe::Description& d) {
  d.name("rabbitmq").version("1.0").summary("publishes to RabbitMQ, and consumes from it");
  d.own_process().settles_later();
  d.documentation(
      "A handler publishes each message with a publisher confirm, and it is settled when the\n"
      "broker confirms it; a source acknowledges a message when the hub has it safe. So both\n"
      "deliver at least once: after a lost connection what was not confirmed, or not\n"
      "acknowledged, comes again. A handler sets message_id to SOURCE:SEQUENCE, by which\n"
      "repeats are known.\n"
      "\n"
      "A handler sends up to max_unconfirmed messages before it waits for a confirm. With\n"
      "mandatory, one that reaches no queue comes back and is rejected, with what the broker\n"
      "says. What the broker refuses (basic.nack, of a queue that is full) is tried again.\n"
      "While the broker takes nothing, since its memory or disk is short (connection.blocked),\n"
      "messages wait.\n"
      "\n"
      "exchange and routing_key, properties and headers are templates of {json:/POINTER} and\n"
      "{meta:NAME} (plugins/TEMPLATES.md). A value that is missing rejects the message in\n"
      "exchange and routing_key, and leaves out the property or header. A message's metadata\n"
      "becomes headers, and the properties that are called so.\n"
      "\n"
      "A source's messages have their headers as metadata, and exchange, routing_key,\n"
      "redelivered and the properties. Nested headers are JSON.\n"
      "\n"
      "A connection that is lost is made again, with a pause that grows. Wrong credentials, a\n"
      "missing virtual host, queue or exchange hold the handler or source until it is mended.");
  describe_broker(d);
  describe_queue(d);
  describe_handler(d);
  describe_source(d);
}
