// SPDX-License-Identifier: Apache-2.0
#include "sqs/trouble.h"

#include <catch2/catch.hpp>
#include <standpipe/plugin.hpp>
#include <string>

namespace {

using Kind = Trouble::Kind;

Trouble of(long status, const std::string& body, bool credentials_may_change = false) {
  Reply reply;
  reply.status = status;
  reply.body = body;
  JsonReader reader;
  return trouble_of(
      reply, reader,
      {"orders", "us-east-1", "http://127.0.0.1/", "the file", credentials_may_change});
}
std::string error(const std::string& code) {
  return R"({"__type":"com.amazonaws.sqs#)" + code + R"(","message":"as AWS says it"})";
}

}  // namespace

TEST_CASE("an answer without an error is no trouble") { CHECK_FALSE(of(200, "{}")); }

TEST_CASE("what passes is tried again, and what does not wants a person") {
  CHECK(of(503, "").kind == Kind::busy);
  CHECK(of(400, error("RequestThrottled")).kind == Kind::busy);
  CHECK(of(400, error("OverLimit")).kind == Kind::busy);
  CHECK(of(400, error("QueueDoesNotExist")).kind == Kind::fatal);
  CHECK(of(400, R"({"__type":"AWS.SimpleQueueService.NonExistentQueue"})").kind == Kind::fatal);
  CHECK(of(403, error("SignatureDoesNotMatch")).text.find("clock is wrong") != std::string::npos);
  CHECK(of(403, error("InvalidClientTokenId")).kind == Kind::fatal);
  CHECK(of(403, error("AccessDenied")).is_access_denied);
  CHECK(of(400, error("BatchRequestTooLong")).kind == Kind::too_long);
  CHECK(of(400, error("InvalidMessageContents")).kind == Kind::refused);
  CHECK(of(404, "<html>").text.find("is endpoint_url right?") != std::string::npos);
}

TEST_CASE("credentials that expired are an outage only where they may change") {
  CHECK(of(403, error("ExpiredToken"), true).kind == Kind::lost);
  CHECK(of(403, error("ExpiredToken"), false).kind == Kind::fatal);
}

TEST_CASE("what AWS repeats behind its first line, a token too, is not said") {
  const auto said = of(
      403, R"({"__type":"x#SignatureDoesNotMatch","message":"no\nx-amz-security-token:hunter2"})");
  CHECK(said.text.find("hunter2") == std::string::npos);
  CHECK_THROWS_AS(said.raise(), standpipe::fatal);
}

TEST_CASE(
    "a request that nobody got is an outage, and one that nobody answered may have been done") {
  JsonReader reader;
  Reply reply;
  reply.transport = Reply::Transport::unreachable;
  CHECK(trouble_of(reply, reader, {}).kind == Kind::lost);
  reply.transport = Reply::Transport::broken;
  CHECK(trouble_of(reply, reader, {}).kind == Kind::broken);
  CHECK_THROWS_AS(trouble_of(reply, reader, {}).raise(), standpipe::disconnected);
}
