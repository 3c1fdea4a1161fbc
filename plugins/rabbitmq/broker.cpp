// SPDX-License-Identifier: Apache-2.0
#include "broker.h"

#include <amqp.h>

#include <utility>

namespace {

constexpr int kPlainPort = 5672, kTlsPort = 5671;

}  // namespace

std::string short_text(const standpipe::Options& options, std::string_view option) {
  auto text = options.text(option);
  if (text.size() > kShortMax)
    throw standpipe::fatal(std::string(option) + ": it has " + std::to_string(text.size()) +
                           " bytes, and AMQP allows 255");
  return text;
}

Broker::Broker(const standpipe::Options& options)
    : connection_timeout(options.duration("connection_timeout")),
      heartbeat(static_cast<int>(
          std::chrono::ceil<std::chrono::seconds>(options.duration("heartbeat")).count())),
      frame_max(static_cast<int>(options.bytes("frame_max"))) {
  if (options.has("uri")) read_uri(options);
  if (options.has("host")) host = options.text("host");
  if (options.has("vhost")) vhost = options.text("vhost");
  if (options.has("user")) user = options.text("user");
  if (options.has("password")) password = options.text("password");
  tls.is_used = tls.is_used || options.boolean("tls");
  tls.verifies = options.text("verify") == "verify_peer";
  tls.cacertfile = options.text("cacertfile");
  tls.certfile = options.text("certfile");
  tls.keyfile = options.text("keyfile");
  if (options.has("port")) port = static_cast<int>(options.integer("port"));
  if (port == 0) port = tls.is_used ? kTlsPort : kPlainPort;
  for (const auto& [option, text] : {std::pair{"host", &host}, std::pair{"vhost", &vhost},
                                     std::pair{"user", &user}, std::pair{"password", &password}})
    if (text->find('\0') != std::string::npos)
      throw standpipe::fatal(std::string(option) + ": it has a NUL in it");
  if (host.empty()) throw standpipe::fatal("host: it is empty; name the broker's host");
  if (vhost.empty())
    throw standpipe::fatal(
        "vhost: it is empty, and no virtual host is called so; the usual one is /");
  if (tls.certfile.empty() != tls.keyfile.empty())
    throw standpipe::fatal("certfile: a client's certificate and keyfile belong together");
}

// The library's parser writes into the text. A host or port of its own beside a URI would leave
// open which one counts; user and password may be beside it, so that the URI need not be secret.
void Broker::read_uri(const standpipe::Options& options) {
  for (const auto* option : {"host", "port", "vhost"})
    if (options.has(option))
      throw standpipe::fatal(std::string(option) + ": uri says it already; give one of them");
  auto text = options.text("uri");
  amqp_connection_info its{};
  if (amqp_parse_url(text.data(), &its) != AMQP_STATUS_OK)
    throw standpipe::fatal(
        "uri: it cannot be read; write amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS, "
        "with %2f for a slash, %3a for a colon and %40 for an @ inside a part");
  if (std::string_view(its.vhost).empty())
    throw standpipe::fatal(
        "uri: it ends with a slash, which names a virtual host without a name; write /%2f for the "
        "usual one, which is called /, or leave the slash out");
  host = its.host;
  port = its.port;
  vhost = its.vhost;
  user = its.user;
  password = its.password;
  tls.is_used = its.ssl != 0;
}

std::string Broker::name() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port) + ", vhost " + vhost;
}
