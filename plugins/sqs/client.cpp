// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <standpipe/plugin.hpp>
#include <utility>

namespace {

constexpr std::size_t kReplyBytesMax = 64 << 20;
constexpr long kConnectMs = 5000;  // longer means that nobody is there
constexpr long kConnectionsMax = 64;
constexpr std::int64_t kWaitMostMs = 60'000;

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct Client::Exchange {
  Exchange() : easy(curl_easy_init()) {
    if (!easy) throw standpipe::disconnected("libcurl has no memory for a request");
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  void set_headers(const std::vector<std::string>& lines) {
    curl_slist_free_all(std::exchange(headers, nullptr));
    for (const auto& line : lines) headers = curl_slist_append(headers, line.c_str());
  }
  static std::size_t receive(char* data, std::size_t one, std::size_t count, void* self) {
    auto& body = static_cast<Exchange*>(self)->reply;
    if (body.size() + one * count > kReplyBytesMax) return 0;
    body.append(data, one * count);
    return one * count;
  }

  CURL* easy;
  curl_slist* headers = nullptr;
  std::uint64_t id = 0;
  std::string body;
  std::string reply;
  char error[CURL_ERROR_SIZE] = {};
};

Client::Client(Endpoint endpoint, Credentials credentials)
    : endpoint_(std::move(endpoint)), credentials_(std::move(credentials)) {
  start_curl();
  multi_ = curl_multi_init();
  if (!multi_) throw standpipe::disconnected("libcurl has no memory for connections");
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsMax);
}

Client::~Client() {
  for (const auto& exchange : running_) curl_multi_remove_handle(multi_, exchange->easy);
  running_.clear();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

// Never put a line like "Expect:" into the headers, which would remove one: libcurl 7.88 would sign
// it (curl issue 11664).
std::unique_ptr<Client::Exchange> Client::make_exchange() {
  auto made = std::make_unique<Exchange>();
  auto* const easy = made->easy;
  const auto signing = "aws:amz:" + endpoint_.region + ":sqs";
  curl_easy_setopt(easy, CURLOPT_URL, endpoint_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // or closing waits for a name to be resolved
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, signing.c_str());
  curl_easy_setopt(easy, CURLOPT_USERNAME, credentials_.access_key_id.c_str());
  curl_easy_setopt(easy, CURLOPT_PASSWORD, credentials_.secret_access_key.c_str());
  if (!endpoint_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Exchange::receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, made.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, made->error);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, made.get());
  return made;
}

void Client::start(Request request) {
  if (idle_.empty()) idle_.push_back(make_exchange());
  auto exchange = std::move(idle_.back());
  idle_.pop_back();
  exchange->id = request.id;
  exchange->body = std::move(request.body);
  exchange->reply.clear();
  exchange->error[0] = '\0';
  std::vector<std::string> headers{"Content-Type: application/x-amz-json-1.0",
                                   "X-Amz-Target: AmazonSQS." + std::string(request.action)};
  if (!credentials_.session_token.empty())
    headers.push_back("X-Amz-Security-Token: " + credentials_.session_token);
  exchange->set_headers(headers);
  auto* const easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(exchange->body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body.data());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_multi_add_handle(multi_, easy);
  running_.push_back(std::move(exchange));
}

std::vector<Reply> Client::wait(Clock::time_point until) {
  std::vector<Reply> replies;
  int running = 0, left = 0;
  curl_multi_perform(multi_, &running);
  if (running == static_cast<int>(running_.size())) {
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    const auto most = std::clamp<std::int64_t>(pause.count(), 0, kWaitMostMs);
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(most), nullptr);
    curl_multi_perform(multi_, &running);
  }
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto* const easy = message->easy_handle;
    const auto result = message->data.result;
    const auto it = std::find_if(running_.begin(), running_.end(),
                                 [&](const auto& exchange) { return exchange->easy == easy; });
    if (it == running_.end()) continue;
    replies.push_back(end(**it, result));
    curl_multi_remove_handle(multi_, (*it)->easy);
    idle_.push_back(std::move(*it));
    running_.erase(it);
  }
  return replies;
}

Reply Client::end(Exchange& exchange, int result) {
  Reply reply;
  reply.id = exchange.id;
  reply.body = std::exchange(exchange.reply, {});
  exchange.body = {};
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &reply.status);
  if (result == CURLE_OK) return reply;
  const bool is_unreachable =
      result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST ||
      result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_SSL_CONNECT_ERROR ||
      result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
  reply.transport = is_unreachable ? Reply::Transport::unreachable : Reply::Transport::broken;
  reply.error =
      exchange.error[0] ? exchange.error : curl_easy_strerror(static_cast<CURLcode>(result));
  return reply;
}

void Client::wake() { curl_multi_wakeup(multi_); }
