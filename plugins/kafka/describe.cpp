// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

namespace kafka {
namespace {

void describe_connection(standpipe::Description& d) {
  d.option("bootstrap_servers")
      .list()
      .required()
      .example("[kafka1:9092, kafka2:9092]")
      .summary("brokers to begin with; they name the others");
  d.option("client_id").text().fallback("standpipe").summary("how the brokers' logs call the hub");
  d.option("security_protocol")
      .one_of({"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"})
      .fallback("plaintext")
      .summary("whether the connection is encrypted, and whether a user logs in");
  d.option("sasl_mechanism")
      .one_of({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"})
      .summary("how the user logs in; needed with sasl_plaintext and sasl_ssl");
  d.option("sasl_username").text().summary("who logs in");
  d.option("sasl_password").secret().summary("with which password; never shown");
  d.option("ssl_ca_location")
      .path()
      .summary("certificates (PEM) that vouch for the brokers; else those of the system");
  d.option("ssl_certificate_location").path().summary("the hub's own certificate (PEM)");
  d.option("ssl_key_location").path().summary("its private key (PEM)");
  d.option("ssl_key_password").secret().summary("the password of that key; never shown");
  d.option("properties")
      .map()
      .example("{statistics.interval.ms: 0, broker.address.family: v4}")
      .summary("all other properties of librdkafka, by their own names");
}

void describe_messages(standpipe::Description& d) {
  d.option("topic").text().required().example("orders").summary(
      "where messages go: a template (with {json:/POINTER}, {meta:NAME}, {source}) makes each "
      "name its own. Where they come from: a name, several with commas between them, or, in a "
      "group, a pattern that begins with ^");
  d.option("key")
      .of_handler()
      .text()
      .example("\"{json:/id|}\"")
      .summary("a template; messages of one key keep their order; without it they have no key");
  d.option("partition")
      .of_handler()
      .integer()
      .fallback("-1")
      .minimum("-1")
      .maximum("1000000")
      .summary("the one that messages go to, or come from; -1: chosen by the key, or all");
  d.option("headers")
      .of_handler()
      .map()
      .example("{host: web-1, device: \"{json:/device}\"}")
      .summary("headers to add: names and templates");
  d.option("metadata")
      .of_handler()
      .boolean()
      .fallback("true")
      .summary("makes a header of each piece of the message's metadata");
  d.option("id_header")
      .of_handler()
      .text()
      .fallback("")
      .example("standpipe-id")
      .summary("a header that has SOURCE:SEQUENCE, by which consumers know repeats");
}

void describe_producer(standpipe::Description& d) {
  d.option("queue_buffering_max_messages")
      .of_handler()
      .integer()
      .unit("messages")
      .fallback("10000")
      .minimum("1")
      .maximum("1000000")
      .summary("so many are sent and not acknowledged yet");
  d.option("queue_buffering_max_kbytes")
      .of_handler()
      .integer()
      .unit("KiB")
      .fallback("65536")
      .minimum("1")
      .maximum("1048576")
      .summary("so much of payload and keys are they");
  d.option("message_max_bytes")
      .of_handler()
      .integer()
      .unit("bytes")
      .fallback("1000000")
      .minimum("1000")
      .maximum("1000000000")
      .summary("larger messages are rejected; the broker has a message.max.bytes of its own");
  d.option("linger_ms")
      .of_handler()
      .integer()
      .unit("milliseconds")
      .fallback("5")
      .minimum("0")
      .maximum("900000")
      .summary("how long a message waits for others that it is sent with");
  d.option("compression")
      .of_handler()
      .one_of({"none", "gzip", "snappy", "lz4", "zstd"})
      .fallback("none")
      .summary("of what is sent");
}

void describe_consumer(standpipe::Description& d) {
  d.option("group_id")
      .of_source()
      .text()
      .fallback("")
      .example("standpipe")
      .summary("the consumer group to be a member of; without it the hub keeps the offsets itself");
}

}  // namespace

void KafkaHandler::describe(standpipe::Description& d) {
  d.name("kafka").version("1.0").summary("sends messages to Apache Kafka, or brings those of it");
  d.own_process().settles_later();
  d.documentation(
      "A handler is an idempotent producer: a message counts as delivered when all replicas in\n"
      "sync have it, and while the producer lives the broker drops what it gets twice. A source "
      "is\n"
      "a member of a consumer group (group_id), which commits an offset once the hub's handlers\n"
      "have all before it; or, without a group, it reads whole topics, and the hub keeps the\n"
      "offsets together with the messages, so that each comes exactly once.\n"
      "\n"
      "Options have the names of librdkafka's properties, with underscores for dots; properties "
      "has\n"
      "all others. Keys, topics, partitions, offsets, timestamps and headers become metadata "
      "(key,\n"
      "topic, partition, offset, timestamp, and each header by its name); a payload that is null\n"
      "(a tombstone) is empty, with the metadata tombstone: true.");
  describe_connection(d);
  describe_messages(d);
  describe_producer(d);
  describe_consumer(d);
}

}  // namespace kafka
