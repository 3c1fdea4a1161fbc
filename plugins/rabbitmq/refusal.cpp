// SPDX-License-Identifier: Apache-2.0
#include "refusal.h"

#include <amqp_framing.h>

#include <charconv>

#include "bytes.h"

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "... is larger than configured max size 134217728"; 0: there is no number.
std::uint64_t number_after(std::string_view text, std::string_view words) {
  const auto at = text.find(words);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return number;
  const auto rest = text.substr(at + words.size());
  (void)std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return number;
}

// "no exchange 'orders' in vhost '/'"; empty: it says something else.
std::string_view missing_exchange(std::string_view text) {
  constexpr std::string_view kBefore = "no exchange '", kBehind = "' in vhost '";
  const auto begin = text.find(kBefore);
  const auto end = text.rfind(kBehind);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  const auto name = begin + kBefore.size();
  return name < end ? text.substr(name, end - name) : std::string_view();
}

// What a person can do about it; empty: it passes.
std::string remedy(const Broker& broker, unsigned code, std::string_view text) {
  const auto of_user = " " + broker.vhost + " " + broker.user;
  switch (code) {
    case AMQP_ACCESS_REFUSED:
      if (has(text, "ogin was refused"))
        return "correct user and password (guest may connect from the broker's own machine alone)";
      return "give the user the permission: rabbitmqctl set_permissions -p" + of_user +
             " CONFIGURE WRITE READ";
    case AMQP_NOT_FOUND:
      if (has(text, "inaccessible") || has(text, "timeout")) return {};
      return "create it, or correct its name (a queue is created with declare: true)";
    case AMQP_NOT_ALLOWED:
      if (has(text, "limit")) return {};
      return "create the virtual host and give the user access: rabbitmqctl add_vhost " +
             broker.vhost + "; rabbitmqctl set_permissions -p" + of_user + " '.*' '.*' '.*'";
    case AMQP_PRECONDITION_FAILED:
      if (has(text, "timed out") || has(text, "timeout") || has(text, "unknown delivery tag"))
        return {};
      if (has(text, "inequivalent"))
        return "make durable, queue_type and arguments as they are at the broker, or leave declare "
               "out";
      return "correct the configuration of this handler or of the broker";
    case AMQP_COMMAND_INVALID:
    case AMQP_NOT_IMPLEMENTED:
      return "the broker does not know what the configuration asks for";
    default:
      return {};
  }
}

}  // namespace

void throw_closed(const Broker& broker, unsigned code, std::string_view text) {
  const auto said = "RabbitMQ at " + broker.name() + " says: " + std::string(text) + " (" +
                    std::to_string(code) + ")";
  if (const auto limit = number_after(text, "larger than configured max size "))
    throw MessageTooLarge(said, limit);
  const auto what_to_do = remedy(broker, code, text);
  if (what_to_do.empty()) throw standpipe::disconnected(said);
  if (const auto name = missing_exchange(text); !name.empty())
    throw MissingExchange(said + "; " + what_to_do, name);
  throw standpipe::fatal(said + "; " + what_to_do);
}

void throw_failed(const Broker& broker, std::string_view doing, int status) {
  const auto said = "cannot " + std::string(doing) + " RabbitMQ at " + broker.name() + ": " +
                    amqp_error_string2(status);
  switch (status) {
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
      throw standpipe::fatal(said +
                             "; name the file of the authority that signed the broker's "
                             "certificate as cacertfile");
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
      throw standpipe::fatal(said +
                             "; connect to a host name that is in the broker's certificate "
                             "(an address is not compared), or set verify: verify_none");
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
      throw standpipe::disconnected(
          said + " (does the broker speak TLS on that port, and trust this client?)");
    case AMQP_STATUS_SSL_ERROR:  // of TLS 1.3, a broker refuses a client only after the handshake
      throw standpipe::disconnected(
          said + (broker.tls.certfile.empty()
                      ? "; if it wants a certificate of its clients, give certfile and keyfile"
                      : "; if it goes on, see whether the broker trusts the client's certificate"));
    case AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD:
      throw standpipe::fatal(said + "; allow the mechanism PLAIN at the broker");
    default:
      throw standpipe::disconnected(said);
  }
}

void expect_normal(const Broker& broker, std::string_view doing, const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
    throw_failed(broker, doing, reply.library_error);
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
    throw_closed(broker, close->reply_code, from_amqp(close->reply_text));
  }
  const auto* close = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
  throw_closed(broker, close->reply_code, from_amqp(close->reply_text));
}
