// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>

namespace {

using standpipe::Options;

constexpr std::size_t kIpcPathBytesMax = 107;
// NN_RCVMAXSIZE counts a request's SP header, too: 4 bytes, and 4 for each device on the way.
constexpr std::uint64_t kHeaderBytesMost = 1024;

// A protocol of one side, and what it is called.
struct NamedProtocol {
  std::string_view name;
  int domain, number;
};

[[noreturn]] void refuse(std::string_view option, const std::string& what) {
  throw standpipe::fatal(std::string(option) + ": " + what);
}

std::string value_of(int number) {
  std::string value(sizeof number, '\0');
  std::memcpy(value.data(), &number, sizeof number);
  return value;
}

std::vector<std::string> urls_of(const Options& options) {
  auto urls = options.list("urls");
  if (urls.empty()) refuse("urls", "name at least one, such as tcp://127.0.0.1:5555");
  for (const auto& url : urls) {
    const bool is_ipc = url.starts_with("ipc://");
    if (!is_ipc && !url.starts_with("tcp://") && !url.starts_with("ws://"))
      refuse("urls", "'" + url + "' is none; write tcp://HOST:PORT, ipc:///PATH or ws://HOST:PORT");
    if (is_ipc && url.size() > kIpcPathBytesMax + std::string_view("ipc://").size())
      refuse("urls", "'" + url + "' is too long: a path of ipc has at most 107 bytes");
    if (url.size() > NN_SOCKADDR_MAX) refuse("urls", "'" + url + "' is longer than 128 bytes");
  }
  return urls;
}

void add_numbers(const Options& options, std::vector<SocketOption>& out) {
  const auto add_bytes = [&](int number, std::string_view name, std::uint64_t more = 0) {
    out.push_back(
        {NN_SOL_SOCKET, number, value_of(static_cast<int>(options.bytes(name) + more)), name});
  };
  const auto add_time = [&](int level, int number, std::string_view name) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(options.duration(name));
    out.push_back({level, number, value_of(static_cast<int>(time.count())), name});
  };
  add_bytes(NN_SNDBUF, "send_buffer");
  add_bytes(NN_RCVBUF, "recv_buffer");
  add_bytes(NN_RCVMAXSIZE, "recv_max_size", kHeaderBytesMost);
  add_time(NN_SOL_SOCKET, NN_RECONNECT_IVL, "reconnect_ivl");
  add_time(NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, "reconnect_ivl_max");
}

void add_subscriptions(const Options& options, int protocol, std::vector<SocketOption>& out) {
  auto topics = options.list("subscribe");
  if (protocol != NN_SUB && !topics.empty()) refuse("subscribe", "only protocol: sub subscribes");
  if (protocol != NN_SUB) return;
  if (topics.empty()) topics.emplace_back();
  for (const auto& topic : topics) out.push_back({NN_SUB, NN_SUB_SUBSCRIBE, topic, "subscribe"});
}

// The first of them is the default.
NamedProtocol protocol_of(const Options& options, std::span<const NamedProtocol> known,
                          std::string_view whose) {
  if (!options.has("protocol")) return known.front();
  const auto wanted = options.text("protocol");
  std::string names;
  for (const auto& protocol : known) {
    if (protocol.name == wanted) return protocol;
    names += (names.empty() ? "" : ", ") + std::string(protocol.name);
  }
  refuse("protocol", std::string(whose) + " is one of " + names + ", not " + wanted);
}

SocketSettings socket_of(const Options& options, const NamedProtocol& protocol) {
  SocketSettings out{protocol.domain,  protocol.number,           std::string(protocol.name),
                     urls_of(options), options.boolean("listen"), {}};
  add_numbers(options, out.options);
  add_subscriptions(options, protocol.number, out.options);
  if (options.boolean("metadata") && options.text("framing") == "none")
    refuse("metadata", "it needs framing: length_prefixed");
  return out;
}

constexpr std::array<NamedProtocol, 3> kHandlerProtocols{
    {{"req", AF_SP, NN_REQ}, {"push", AF_SP, NN_PUSH}, {"pub", AF_SP, NN_PUB}}};
// A raw REP socket takes requests before it has replied to others.
constexpr std::array<NamedProtocol, 3> kSourceProtocols{
    {{"rep", AF_SP_RAW, NN_REP}, {"pull", AF_SP, NN_PULL}, {"sub", AF_SP, NN_SUB}}};

}  // namespace

SocketSettings handler_socket(const Options& options) {
  auto out = socket_of(options, protocol_of(options, kHandlerProtocols, "a handler"));
  if (out.protocol == NN_REQ) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(options.duration("resend_ivl"));
    out.options.push_back(
        {NN_REQ, NN_REQ_RESEND_IVL, value_of(static_cast<int>(time.count())), "resend_ivl"});
    if (out.listens && options.integer("window") > 1)
      refuse("window", "only one socket can listen; connect, or leave it at 1");
  }
  return out;
}

SocketSettings source_socket(const Options& options) {
  return socket_of(options, protocol_of(options, kSourceProtocols, "a source"));
}
