// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace {

using standpipe::Options;

constexpr std::size_t kKeyBytes = 32, kKeyCharacters = 40;  // a key, and in Z85
constexpr std::size_t kRoutingIdBytesMax = 255;
constexpr std::size_t kIpcPathBytesMax = 107;

[[noreturn]] void refuse(std::string_view option, const std::string& what) {
  throw standpipe::fatal(std::string(option) + ": " + what);
}

template <class Number>
std::string value_of(Number number) {
  std::string value(sizeof number, '\0');
  std::memcpy(value.data(), &number, sizeof number);
  return value;
}

int milliseconds(std::chrono::nanoseconds time) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

// ---- the socket

std::vector<std::string> endpoints_of(const Options& options) {
  auto endpoints = options.list("endpoints");
  if (endpoints.empty()) refuse("endpoints", "name at least one, such as tcp://127.0.0.1:5555");
  for (const auto& endpoint : endpoints) {
    const bool is_tcp = endpoint.starts_with("tcp://");
    if (!is_tcp && !endpoint.starts_with("ipc://"))
      refuse("endpoints", "'" + endpoint + "' is none; write tcp://HOST:PORT or ipc:///PATH");
    if (is_tcp && endpoint.rfind(':') < std::string_view("tcp://").size())
      refuse("endpoints", "'" + endpoint + "' has no port; write tcp://HOST:PORT");
    if (!is_tcp && endpoint.size() > kIpcPathBytesMax + std::string_view("ipc://").size())
      refuse("endpoints", "'" + endpoint + "' is too long: a path of ipc has at most 107 bytes");
  }
  return endpoints;
}

void add_timing(const Options& options, std::vector<SocketOption>& out) {
  const auto add = [&](int number, std::string_view name) {
    out.push_back({number, value_of(milliseconds(options.duration(name))), name});
  };
  add(ZMQ_LINGER, "linger");
  add(ZMQ_RECONNECT_IVL, "reconnect_ivl");
  add(ZMQ_RECONNECT_IVL_MAX, "reconnect_ivl_max");
  add(ZMQ_HEARTBEAT_IVL, "heartbeat_ivl");
  if (options.duration("heartbeat_ivl").count() > 0)
    add(ZMQ_HEARTBEAT_TIMEOUT, "heartbeat_timeout");
}

void add_own_options(const Options& options, int type, std::vector<SocketOption>& out) {
  const auto routing_id = options.text("routing_id");
  if (!routing_id.empty()) {
    if (type != ZMQ_DEALER) refuse("routing_id", "only a dealer has one");
    if (routing_id.size() > kRoutingIdBytesMax) refuse("routing_id", "it has at most 255 bytes");
    out.push_back({ZMQ_ROUTING_ID, routing_id, "routing_id"});
  }
  if (options.boolean("xpub_nodrop")) {
    if (type != ZMQ_PUB) refuse("xpub_nodrop", "only socket_type: pub drops");
    out.push_back({ZMQ_XPUB_NODROP, value_of(1), "xpub_nodrop"});
  }
  auto topics = options.list("subscribe");
  if (type != ZMQ_SUB && !topics.empty()) refuse("subscribe", "only socket_type: sub subscribes");
  if (type != ZMQ_SUB) return;
  if (topics.empty()) topics.emplace_back();
  for (const auto& topic : topics) out.push_back({ZMQ_SUBSCRIBE, topic, "subscribe"});
}

// ---- CURVE

std::string key_of(std::string_view option, const std::string& z85) {
  std::string key(kKeyBytes, '\0');
  // zmq_z85_decode of libzmq 4.3.4 reads some wrong characters as others, so they are looked for.
  constexpr std::string_view kZ85 =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  const bool is_z85 =
      z85.size() == kKeyCharacters && z85.find_first_not_of(kZ85) == std::string::npos &&
      zmq_z85_decode(reinterpret_cast<std::uint8_t*>(key.data()), z85.c_str()) != nullptr;
  if (!is_z85)
    refuse(option, "this is no key: one has 40 characters of Z85, as zmq_curve_keypair makes it");
  return key;
}

std::string public_key_of(const std::string& secret) {
  std::array<char, kKeyCharacters + 1> z85{};
  if (zmq_curve_public(z85.data(), secret.c_str()) != 0)
    refuse("curve_secretkey", "no public key can be made of it");
  return z85.data();
}

void add_curve_server(const Options& options, const std::string& secret, SocketSettings& out) {
  if (secret.empty()) refuse("curve_server", "a server needs curve_secretkey");
  out.options.push_back({ZMQ_CURVE_SERVER, value_of(1), "curve_server"});
  out.options.push_back(
      {ZMQ_CURVE_SECRETKEY, key_of("curve_secretkey", secret), "curve_secretkey"});
  for (const auto& key : options.list("curve_clientkeys"))
    out.clientkeys.push_back(key_of("curve_clientkeys", key));
}

void add_curve_client(const Options& options, const std::string& secret, SocketSettings& out) {
  if (secret.empty()) refuse("curve_serverkey", "a client needs curve_secretkey, too");
  const auto secret_key = key_of("curve_secretkey", secret);
  auto public_z85 = options.text("curve_publickey");
  if (public_z85.empty()) public_z85 = public_key_of(secret);
  const auto public_key = key_of("curve_publickey", public_z85);
  if (public_z85 != public_key_of(secret))
    refuse("curve_publickey", "it does not belong to curve_secretkey");
  out.options.push_back({ZMQ_CURVE_SERVERKEY,
                         key_of("curve_serverkey", options.text("curve_serverkey")),
                         "curve_serverkey"});
  out.options.push_back({ZMQ_CURVE_PUBLICKEY, public_key, "curve_publickey"});
  out.options.push_back({ZMQ_CURVE_SECRETKEY, secret_key, "curve_secretkey"});
}

void add_curve(const Options& options, SocketSettings& out) {
  const bool is_server = options.boolean("curve_server");
  const bool is_client = !options.text("curve_serverkey").empty();
  const auto secret = options.text("curve_secretkey");
  if (is_server && is_client)
    refuse("curve_serverkey", "this side is the server (curve_server), so it has none");
  if (!is_server && !options.list("curve_clientkeys").empty())
    refuse("curve_clientkeys", "only a server (curve_server: true) admits clients");
  if (!is_server && !is_client && (!secret.empty() || !options.text("curve_publickey").empty()))
    refuse(secret.empty() ? "curve_publickey" : "curve_secretkey",
           "it is of no use without curve_server: true or curve_serverkey");
  if (is_server) add_curve_server(options, secret, out);
  if (is_client) add_curve_client(options, secret, out);
  out.is_encrypted = is_server || is_client;
}

// A socket type of one side, and what it is called.
struct NamedType {
  std::string_view name;
  int number;
};

SocketSettings socket_of(const Options& options, const NamedType& type) {
  SocketSettings out{
      type.number, std::string(type.name), endpoints_of(options), options.boolean("bind"), {}, {}};
  const auto number = [&](std::string_view name) {
    return static_cast<int>(options.integer(name));
  };
  out.options.push_back({ZMQ_SNDHWM, value_of(number("sndhwm")), "sndhwm"});
  out.options.push_back({ZMQ_RCVHWM, value_of(number("rcvhwm")), "rcvhwm"});
  out.options.push_back({ZMQ_MAXMSGSIZE,
                         value_of(static_cast<std::int64_t>(options.bytes("maxmsgsize"))),
                         "maxmsgsize"});
  out.options.push_back({ZMQ_IPV6, value_of(1), "endpoints"});
  add_timing(options, out.options);
  add_own_options(options, type.number, out.options);
  add_curve(options, out);
  return out;
}

// The first of them is the default, and with ack: true the last one.
NamedType type_of(const Options& options, std::span<const NamedType> known,
                  std::string_view whose) {
  if (!options.has("socket_type")) return options.boolean("ack") ? known.back() : known.front();
  const auto wanted = options.text("socket_type");
  std::string names;
  for (const auto& type : known) {
    if (type.name == wanted) return type;
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  refuse("socket_type", std::string(whose) + " is one of " + names + ", not " + wanted);
}

constexpr std::array<NamedType, 3> kHandlerTypes{
    {{"push", ZMQ_PUSH}, {"pub", ZMQ_PUB}, {"dealer", ZMQ_DEALER}}};
constexpr std::array<NamedType, 3> kSourceTypes{
    {{"pull", ZMQ_PULL}, {"sub", ZMQ_SUB}, {"router", ZMQ_ROUTER}}};

}  // namespace

SocketSettings handler_socket(const Options& options) {
  auto out = socket_of(options, type_of(options, kHandlerTypes, "a handler"));
  // Never for a source: with it, a connection that ends takes what had come by it and was not
  // received yet (libzmq 4.3.4).
  out.options.push_back(
      {ZMQ_IMMEDIATE, value_of(options.boolean("immediate") ? 1 : 0), "immediate"});
  if (options.boolean("ack")) {
    if (out.type != ZMQ_DEALER) refuse("ack", "only socket_type: dealer hears of acknowledgements");
    if (!out.binds && out.endpoints.size() > 1)
      refuse("endpoints", "with ack: true there is one; for more peers, make more handlers");
  }
  return out;
}

SocketSettings source_socket(const Options& options) {
  auto out = socket_of(options, type_of(options, kSourceTypes, "a source"));
  if (options.boolean("ack") && out.type != ZMQ_ROUTER)
    refuse("ack", "only socket_type: router can acknowledge");
  return out;
}
