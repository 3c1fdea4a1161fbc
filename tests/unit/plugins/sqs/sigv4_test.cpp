// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "common/fd.h"
#include "sqs/client.h"

namespace {

using namespace std::chrono_literals;

// Answers one request with nothing, and keeps its head.
class OneRequest {
 public:
  OneRequest() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_.get(), any, size) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    REQUIRE(::getsockname(listener_.get(), any, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneRequest() {
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return port_; }
  // The value of a header of the request.
  std::string header(const std::string& name) {
    if (thread_.joinable()) thread_.join();
    const auto at = request_.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "(none) " + request_;
    const auto begin = at + name.size() + 4;
    return request_.substr(begin, request_.find("\r\n", begin) - begin);
  }

 private:
  void serve() {
    const common::Fd peer(::accept(listener_.get(), nullptr, nullptr));
    char some[4096];
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const auto size = ::recv(peer.get(), some, sizeof some, 0);
      if (size <= 0) return;
      request_.append(some, static_cast<std::size_t>(size));
    }
    constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    (void)::send(peer.get(), kReply.data(), kReply.size(), MSG_NOSIGNAL);
  }

  common::Fd listener_;
  int port_ = 0;
  std::string request_;
  std::thread thread_;
};

struct Cleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// The request of AWS's test suite for Signature Version 4 (aws-sig-v4-test-suite), signed by the
// library as the bridge lets it sign.
std::string authorization(const char* method) {
  OneRequest server;
  const std::unique_ptr<CURL, Cleanup> easy(curl_easy_init());
  const auto to = "example.amazonaws.com:80:127.0.0.1:" + std::to_string(server.port());
  const std::unique_ptr<curl_slist, Cleanup> where(curl_slist_append(nullptr, to.c_str()));
  const std::unique_ptr<curl_slist, Cleanup> headers(
      curl_slist_append(nullptr, "X-Amz-Date: 20150830T123600Z"));
  curl_easy_setopt(easy.get(), CURLOPT_URL, "http://example.amazonaws.com/");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECT_TO, where.get());
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:service");
  curl_easy_setopt(easy.get(), CURLOPT_USERNAME, "AKIDEXAMPLE");
  curl_easy_setopt(easy.get(), CURLOPT_PASSWORD, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 20'000L);
  CHECK(curl_easy_perform(easy.get()) == CURLE_OK);
  return server.header("Authorization");
}

const std::string kSigned =
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=";

}  // namespace

TEST_CASE("the library signs as AWS's published test vectors want it") {
  CHECK(authorization("GET") ==  // get-vanilla
        kSigned + "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  CHECK(authorization("POST") ==  // post-vanilla
        kSigned + "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_CASE("a request has what SQS wants, and all of it is signed") {
  OneRequest server;
  Client client({"http://127.0.0.1:" + std::to_string(server.port()) + "/", "eu-west-1", ""},
                {"AKID", "secret", "token", "", false});
  client.start({7, "SendMessageBatch", "{}", 20s});
  std::vector<Reply> replies;
  for (const auto until = Client::Clock::now() + 20s;
       replies.empty() && Client::Clock::now() < until;)
    replies = client.wait(until);
  REQUIRE(replies.size() == 1);
  CHECK((replies[0].id == 7 && replies[0].status == 200));
  CHECK(server.header("X-Amz-Target") == "AmazonSQS.SendMessageBatch");
  CHECK(server.header("Content-Type") == "application/x-amz-json-1.0");
  CHECK(server.header("X-Amz-Security-Token") == "token");
  const auto its = server.header("Authorization");
  CHECK(its.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"));
  CHECK(its.find("/eu-west-1/sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;"
                 "x-amz-security-token;x-amz-target, Signature=") != std::string::npos);
  CHECK(its.find("secret") == std::string::npos);
}
