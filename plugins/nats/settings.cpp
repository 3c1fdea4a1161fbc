// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include "common/rfc3339.h"

namespace nats {

namespace {

std::chrono::milliseconds milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

// A URL is shown in messages and in the server's own, so it must not have a secret in it.
void check_server(const std::string& url) {
  if (url.empty()) throw standpipe::fatal("servers: one of them is empty; write host:port");
  if (url.find('@') != std::string::npos)
    throw standpipe::fatal(
        "servers: a URL must not have a user, password or token in it: use the options user and "
        "password_file, or token_file");
  for (const char c : url)
    if (c <= ' ' || c == ',')
      throw standpipe::fatal("servers: '" + url + "' is no URL; write one server an entry");
}

void need_together(const standpipe::Options& options, const char* one, const char* other) {
  if (options.has(one) != options.has(other))
    throw standpipe::fatal(std::string(options.has(one) ? other : one) + ": it is needed where " +
                           (options.has(one) ? one : other) + " is given");
}

void check_one_way_to_log_in(const standpipe::Options& options) {
  std::string given;
  for (const auto* way : {"user", "token", "creds", "nkey"}) {
    if (!options.has(way)) continue;
    if (!given.empty())
      throw standpipe::fatal(std::string(way) + ": " + given +
                             " is given, too; use one way to log in");
    given = way;
  }
}

std::int64_t start_time(const standpipe::Options& options) {
  if (!options.has("start_time")) return 0;
  const auto text = options.text("start_time");
  if (const auto time = common::parse_rfc3339(text)) return time->count();
  throw standpipe::fatal("start_time: '" + text + "' is no time as 2026-05-01T12:00:00.000Z");
}

}  // namespace

ConnectionSettings::ConnectionSettings(const standpipe::Options& options)
    : name("standpipe " + std::string(options.instance())),
      servers(options.list("servers")),
      user(options.text("user")),
      password(options.text("password")),
      token(options.text("token")),
      creds(options.text("creds")),
      nkey(options.text("nkey")),
      nkey_seed(options.text("nkey_seed")),
      tls(options.boolean("tls")),
      tls_ca(options.text("tls_ca")),
      tls_cert(options.text("tls_cert")),
      tls_key(options.text("tls_key")),
      domain(options.text("domain")),
      timeout(milliseconds(options.duration("timeout"))) {
  if (servers.empty()) servers.emplace_back("nats://127.0.0.1:4222");
  for (const auto& url : servers) {
    check_server(url);
    if (url.starts_with("tls://")) tls = true;
  }
  check_one_way_to_log_in(options);
  need_together(options, "user", "password");
  need_together(options, "nkey", "nkey_seed");
  need_together(options, "tls_cert", "tls_key");
  if (!tls && (options.has("tls_ca") || options.has("tls_cert")))
    throw standpipe::fatal("tls: it must be true where tls_ca or tls_cert is given");
}

ConsumerSettings::ConsumerSettings(const standpipe::Options& options)
    : stream(options.text("stream")),
      durable(options.text("durable")),
      filter_subject(options.text("filter_subject")),
      create(options.boolean("create_consumer")),
      deliver_policy(options.text("deliver_policy")),
      start_sequence(static_cast<std::uint64_t>(options.integer("start_sequence"))),
      start_time(nats::start_time(options)),
      ack_wait(options.duration("ack_wait")),
      max_ack_pending(options.integer("max_ack_pending")),
      max_deliver(options.integer("max_deliver")) {
  if (durable.empty())
    throw standpipe::fatal(
        "durable: it is missing; a source needs the name of its durable consumer");
  if (stream.empty() && filter_subject.empty())
    throw standpipe::fatal(
        "stream: it is missing; a source needs the name of a stream, or a filter_subject by which "
        "the stream is found");
  if (durable.find_first_of(".*> \t") != std::string::npos)
    throw standpipe::fatal("durable: '" + durable +
                           "' is no name of a consumer: dots, spaces, * and > are not allowed");
  if (stream.find_first_of(".*> \t") != std::string::npos)
    throw standpipe::fatal("stream: '" + stream +
                           "' is no name of a stream: dots, spaces, * and > are not allowed");
  if ((deliver_policy == "by_start_sequence") != (start_sequence != 0))
    throw standpipe::fatal(
        "start_sequence: give it together with deliver_policy: by_start_sequence");
  if ((deliver_policy == "by_start_time") != (start_time != 0))
    throw standpipe::fatal("start_time: give it together with deliver_policy: by_start_time");
}

}  // namespace nats
