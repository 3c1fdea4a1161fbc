// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <unistd.h>

#include <cerrno>
#include <standpipe/plugin.hpp>
#include <utility>
#include <vector>

#include "callees.h"
#include "common/error_text.h"
#include "dial.h"
#include "refusal.h"

namespace nats {

namespace {

constexpr std::int64_t kWriteDeadlineMs = 3000;  // of a server that does not read
// A server that is gone without a word is noticed within three of these.
constexpr std::int64_t kPingIntervalMs = 5000;
constexpr int kPingsOutMost = 2;
constexpr std::chrono::seconds kClosePatience{1};
constexpr int kBufferBytes = 128 * 1024;  // one write for as many messages as possible

void must(natsStatus status, const char* option) {
  if (status != NATS_OK) throw standpipe::fatal(std::string(option) + ": " + error_text(status));
}

void must_be_readable(const std::string& file, const char* option) {
  if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
    throw standpipe::fatal(std::string(option) + ": cannot read " + file + ": " +
                           common::error_text(errno));
}

void set_login(natsOptions* options, const ConnectionSettings& s) {
  must_be_readable(s.creds, "creds");
  must_be_readable(s.nkey_seed, "nkey_seed");
  if (!s.user.empty())
    must(natsOptions_SetUserInfo(options, s.user.c_str(), s.password.c_str()), "user");
  if (!s.token.empty()) must(natsOptions_SetToken(options, s.token.c_str()), "token");
  if (!s.creds.empty())
    must(natsOptions_SetUserCredentialsFromFiles(options, s.creds.c_str(), nullptr), "creds");
  if (!s.nkey.empty())
    must(natsOptions_SetNKeyFromSeed(options, s.nkey.c_str(), s.nkey_seed.c_str()), "nkey");
}

void set_tls(natsOptions* options, const ConnectionSettings& s) {
  if (!s.tls) return;
  must_be_readable(s.tls_ca, "tls_ca");
  must_be_readable(s.tls_cert, "tls_cert");
  must_be_readable(s.tls_key, "tls_key");
  must(natsOptions_SetSecure(options, true), "tls");
  if (!s.tls_ca.empty())
    must(natsOptions_LoadCATrustedCertificates(options, s.tls_ca.c_str()), "tls_ca");
  if (!s.tls_cert.empty())
    must(natsOptions_LoadCertificatesChain(options, s.tls_cert.c_str(), s.tls_key.c_str()),
         "tls_cert");
}

void set_servers(natsOptions* options, const ConnectionSettings& s) {
  std::vector<const char*> urls;
  for (const auto& url : s.servers) urls.push_back(url.c_str());
  must(natsOptions_SetServers(options, urls.data(), static_cast<int>(urls.size())), "servers");
}

std::string joined(const std::vector<std::string>& servers) {
  std::string all;
  for (const auto& url : servers) all += (all.empty() ? "" : ", ") + url;
  return all;
}

// Of the server's certificate: OpenSSL says at which depth of its chain it failed. Else a handshake
// fails as any connection does.
bool is_verification(const std::string& text) {
  return text.find(":depth=") != std::string::npos || text.find("certificate") != std::string::npos;
}

}  // namespace

Connection::Connection(const ConnectionSettings& settings, std::function<void()> failed,
                       Refused refused)
    : settings_(settings),
      failed_(std::move(failed)),
      refused_(std::move(refused)),
      closure_(Callees<Connection>::all().add(*this)) {
  try {
    natsOptions* made = nullptr;
    must(natsOptions_Create(&made), "servers");
    Owned<natsOptions> options(made);
    set_servers(made, settings_);
    set_login(made, settings_);
    set_tls(made, settings_);
    natsOptions_SetName(made, settings_.name.c_str());
    natsOptions_SetTimeout(made, settings_.timeout.count());
    natsOptions_SetAllowReconnect(made, false);
    natsOptions_SetPingInterval(made, kPingIntervalMs);
    natsOptions_SetMaxPingsOut(made, kPingsOutMost);
    natsOptions_SetIOBufSize(made, kBufferBytes);
    natsOptions_SetWriteDeadline(made, kWriteDeadlineMs);
    natsOptions_SetFailRequestsOnDisconnect(made, true);
    natsOptions_SetClosedCB(made, closed, closure_);
    natsOptions_SetErrorHandler(made, error, closure_);
    connect(std::move(options));
  } catch (...) {
    Callees<Connection>::all().remove(closure_);
    throw;
  }
}

Connection::~Connection() {
  close();
  Callees<Connection>::all().remove(closure_);
}

void Connection::close() {
  natsConnection_Close(get());
  std::unique_lock lock(mutex_);
  closed_changed_.wait_for(lock, kClosePatience, [this] { return is_closed_; });
}

void Connection::connect(Owned<natsOptions> options) {
  auto [status, text, made, is_cut, is_stuck] = dial(std::move(options), settings_.timeout);
  if (status == NATS_OK) {
    connection_ = std::move(made);
    return;
  }
  const auto where = joined(settings_.servers);
  if (is_stuck)
    throw standpipe::fatal("a TLS handshake with " + where +
                           " does not end, and cannot be ended here: mend the server, then start "
                           "this hub anew");
  if (is_cut)
    throw standpipe::disconnected("cannot connect to " + where +
                                  ": a TLS handshake did not end within " +
                                  std::to_string(settings_.timeout.count()) + " ms (timeout)");
  if (status == NATS_CONNECTION_AUTH_FAILED)
    throw standpipe::fatal(where + " refuses to let us in (" + text +
                           "): check user and password, token, creds or nkey");
  if (status == NATS_SECURE_CONNECTION_WANTED)
    throw standpipe::fatal(where + " does not speak TLS: correct servers, or remove tls");
  if (status == NATS_SSL_ERROR && is_verification(text))
    throw standpipe::fatal("TLS with " + where + " fails (" + text +
                           "): check tls_ca, tls_cert, and the host name in servers");
  // Of TLS 1.3, a server refuses a client only after the handshake.
  const bool may_want_certificate =
      settings_.tls && settings_.tls_cert.empty() && text.find("PONG") != text.npos;
  throw standpipe::disconnected("cannot connect to " + where + ": " + text +
                                (may_want_certificate
                                     ? "; if the server wants a certificate of its clients, give "
                                       "tls_cert and tls_key"
                                     : ""));
}

Owned<jsCtx> Connection::jetstream(jsPubAckHandler handler, void* closure) const {
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = settings_.timeout.count();
  if (!settings_.domain.empty()) options.Domain = settings_.domain.c_str();
  options.PublishAsync.AckHandler = handler;
  options.PublishAsync.AckHandlerClosure = closure;
  jsCtx* made = nullptr;
  const auto status = natsConnection_JetStream(&made, get(), &options);
  if (status != NATS_OK) throw standpipe::disconnected(error_text(status));
  return Owned<jsCtx>(made);
}

void Connection::check() const {
  if (!has_failed_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (is_fatal_) throw standpipe::fatal(why_);
  throw standpipe::disconnected(why_);
}

void Connection::fail(bool is_fatal, const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (has_failed_) return;
    is_fatal_ = is_fatal;
    why_ = why;
    has_failed_.store(true, std::memory_order_release);
  }
  failed_();
}

void Connection::closed(natsConnection* connection, void* closure) {
  const char* text = nullptr;
  natsConnection_GetLastError(connection, &text);
  const std::string why = text && *text ? text : "the server closed it";
  Callees<Connection>::all().call(closure, [&](Connection& it) { it.closed(why); });
}

void Connection::closed(const std::string& why) {
  fail_for_now("the connection is lost: " + why);
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  closed_changed_.notify_all();
}

// The server says so while the connection goes on: of a subject that the user may not use. Whether
// a stream exists may be left unknown.
void Connection::error(natsConnection*, natsSubscription*, natsStatus status, void* closure) {
  if (status != NATS_NOT_PERMITTED) return;
  const auto why = error_text(status);  // of this error; the connection's own may be a later one
  if (why.find(".STREAM.NAMES\"") != std::string::npos) return;
  Callees<Connection>::all().call(closure, [&](Connection& it) { it.refused(why); });
}

void Connection::refused(const std::string& why) {
  const auto subject = refused_subject(why);
  if (refused_ && subject && refused_(*subject)) return;
  fail_fatally("the server refuses it (" + why + "): give the user this permission");
}

}  // namespace nats
