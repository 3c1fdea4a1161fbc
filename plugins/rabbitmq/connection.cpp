// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>

#include "bytes.h"
#include "refusal.h"

namespace {

timeval time_of(std::chrono::nanoseconds time) {
  const auto all = std::chrono::ceil<std::chrono::microseconds>(time).count();
  return {all / 1000000, all % 1000000};
}

amqp_table_entry_t entry(const char* name, bool value) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = value;
  return entry;
}

amqp_table_entry_t entry(const char* name, std::string_view value) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = to_amqp(value);
  return entry;
}

}  // namespace

Queue::Queue(const standpipe::Options& options)
    : name(short_text(options, "queue")),
      is_declared(options.boolean("declare")),
      is_durable(options.boolean("durable")),
      type(options.has("queue_type") ? options.text("queue_type") : "") {
  if (is_declared && name.empty())
    throw standpipe::fatal("declare: it needs the name of a queue; set queue");
  if (type == "quorum" && !is_durable)
    throw standpipe::fatal("durable: a quorum queue is durable; leave it true");
}

Connection::Connection(const Broker& broker, standpipe::Host host)
    : broker_(broker), host_(host), state_(amqp_new_connection()) {
  auto* socket = state_ ? new_socket() : nullptr;
  if (!socket) throw standpipe::disconnected("there is no memory for a connection");
  auto most = time_of(broker.connection_timeout);
  const auto opened = amqp_socket_open_noblock(socket, broker.host.c_str(), broker.port, &most);
  if (opened != AMQP_STATUS_OK) throw_failed(broker, "connect to", opened);
  fd_ = common::Fd(::fcntl(amqp_get_sockfd(state_.get()), F_DUPFD_CLOEXEC, 0));
  set_rpc_timeout(broker.connection_timeout);
  log_in();
  amqp_channel_open(state_.get(), kChannel);
  expect_done("open a channel at");
}

amqp_socket_t* Connection::new_socket() {
  const auto& tls = broker_.tls;
  if (!tls.is_used) return amqp_tcp_socket_new(state_.get());
  auto* socket = amqp_ssl_socket_new(state_.get());
  if (!socket) return nullptr;
  amqp_ssl_socket_set_verify_peer(socket, tls.verifies);
  amqp_ssl_socket_set_verify_hostname(socket, tls.verifies);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  if (tls.verifies && amqp_ssl_socket_set_cacert(socket, tls.cacertfile.c_str()) != AMQP_STATUS_OK)
    throw standpipe::fatal("cacertfile: " + tls.cacertfile +
                           " cannot be read as certificates (PEM)");
  if (!tls.certfile.empty() &&
      amqp_ssl_socket_set_key(socket, tls.certfile.c_str(), tls.keyfile.c_str()) != AMQP_STATUS_OK)
    throw standpipe::fatal("certfile: " + tls.certfile + " and keyfile " + tls.keyfile +
                           " cannot be read as a certificate and its key (PEM)");
  return socket;
}

// Without these capabilities the broker would not say that it is blocked, that it refuses a
// message, or that a queue is gone.
void Connection::log_in() {
  std::array capabilities = {entry("basic.nack", true), entry("connection.blocked", true),
                             entry("consumer_cancel_notify", true),
                             entry("publisher_confirms", true)};
  amqp_table_entry_t all{};
  all.key = amqp_cstring_bytes("capabilities");
  all.value.kind = AMQP_FIELD_KIND_TABLE;
  all.value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
  std::array properties = {all, entry("connection_name", std::string_view("standpipe"))};
  const amqp_table_t table{static_cast<int>(properties.size()), properties.data()};
  auto most = time_of(broker_.connection_timeout);
  amqp_set_handshake_timeout(state_.get(), &most);
  expect_normal(
      broker_, "log in to",
      amqp_login_with_properties(state_.get(), broker_.vhost.c_str(), 1, broker_.frame_max,
                                 broker_.heartbeat, &table, AMQP_SASL_METHOD_PLAIN,
                                 broker_.user.c_str(), broker_.password.c_str()));
}

void Connection::set_rpc_timeout(std::chrono::nanoseconds most) {
  const auto time = time_of(most);
  amqp_set_rpc_timeout(state_.get(), &time);
}

void Connection::expect_done(std::string_view doing) const {
  expect_normal(broker_, doing, amqp_get_rpc_reply(state_.get()));
}

void Connection::expect_exchange(std::string_view name) {
  amqp_exchange_declare(state_.get(), kChannel, to_amqp(name), amqp_cstring_bytes("direct"), true,
                        false, false, false, amqp_empty_table);
  expect_done("find the exchange at");
}

void Connection::expect_queue(const Queue& queue) {
  std::array arguments = {entry("x-queue-type", queue.type)};
  const amqp_table_t table{queue.type.empty() || !queue.is_declared ? 0 : 1, arguments.data()};
  amqp_queue_declare(state_.get(), kChannel, to_amqp(queue.name), !queue.is_declared,
                     queue.is_durable, false, false, table);
  expect_done(queue.is_declared ? "declare the queue at" : "find the queue at");
}

void Connection::bind(const Queue& queue, std::string_view exchange, std::string_view key) {
  amqp_queue_bind(state_.get(), kChannel, to_amqp(queue.name), to_amqp(exchange), to_amqp(key),
                  amqp_empty_table);
  expect_done("bind the queue at");
}

void Connection::select_confirms() {
  amqp_confirm_select(state_.get(), kChannel);
  expect_done("select publisher confirms at");
}

void Connection::consume(const Queue& queue, unsigned prefetch_count) {
  amqp_basic_qos(state_.get(), kChannel, 0, static_cast<std::uint16_t>(prefetch_count), false);
  expect_done("set the prefetch count at");
  amqp_basic_consume(state_.get(), kChannel, to_amqp(queue.name), amqp_empty_bytes, false, false,
                     false, amqp_empty_table);
  expect_done("consume from the queue at");
}

bool Connection::next_frame(amqp_frame_t& frame) {
  for (;;) {
    timeval now{};
    const auto status = amqp_simple_wait_frame_noblock(state_.get(), &frame, &now);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    if (status != AMQP_STATUS_OK) throw_failed(broker_, "read from", status);
    if (frame.frame_type == AMQP_FRAME_METHOD) follow(frame.payload.method);
    if (frame.channel == kChannel) return true;
  }
}

// What concerns the connection as a whole.
void Connection::follow(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto* its = static_cast<const amqp_connection_blocked_t*>(method.decoded);
      is_blocked_ = true;
      host_.warning("RabbitMQ at " + broker_.name() + " takes no messages for now (" +
                    std::string(from_amqp(its->reason)) + "): they wait");
      break;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      is_blocked_ = false;
      host_.info("RabbitMQ at " + broker_.name() + " takes messages again");
      break;
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto* its = static_cast<const amqp_channel_close_t*>(method.decoded);
      throw_closed(broker_, its->reply_code, from_amqp(its->reply_text));
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto* its = static_cast<const amqp_connection_close_t*>(method.decoded);
      throw_closed(broker_, its->reply_code, from_amqp(its->reply_text));
    }
    case AMQP_BASIC_CANCEL_METHOD:
      throw standpipe::disconnected("RabbitMQ at " + broker_.name() +
                                    " has ended the consumer: its queue was deleted or has moved");
    default:
      break;
  }
}

void Connection::expect_sent(int status) const {
  if (status < 0) throw_failed(broker_, "send to", status);
}

void Connection::cork(bool is_corked) const {
  const int on = is_corked;
  (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

std::size_t Connection::frame_max() const {
  return static_cast<std::size_t>(amqp_get_frame_max(state_.get()));
}

// The library sends heartbeats while it looks for frames.
int Connection::patience_ms() const {
  const auto heartbeat = amqp_get_heartbeat(state_.get());
  return heartbeat > 0 ? heartbeat * 500 : -1;
}

void Connection::close(std::chrono::milliseconds most) {
  set_rpc_timeout(most);
  amqp_connection_close(state_.get(), AMQP_REPLY_SUCCESS);
}

void Connection::shut_down() const { (void)::shutdown(fd_.get(), SHUT_RDWR); }
