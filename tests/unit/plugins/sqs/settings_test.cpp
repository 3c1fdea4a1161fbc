// SPDX-License-Identifier: Apache-2.0
#include "sqs/settings.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "bridge.h"

namespace {

using standpipe::testing::Options;

// Nothing of the environment that the tests run in.
void forget_environment() {
  for (const auto* name : {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL", "AWS_REGION",
                           "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"})
    ::unsetenv(name);
}

Place place(const Options& options) {
  forget_environment();
  const bridge::Given given(options);
  return Place(static_cast<const standpipe::Options&>(given));
}
std::string fault(const Options& options) {
  forget_environment();
  return bridge::fault<Place>(options);
}

const std::string kUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo";

}  // namespace

TEST_CASE("a queue's URL says region and endpoint, unless options do") {
  const auto its = place({{"queue", kUrl}});
  CHECK((its.queue_url == kUrl && its.queue_name.empty() && its.is_fifo()));
  CHECK(its.endpoint.region == "eu-west-1");
  CHECK(its.endpoint.url == "https://sqs.eu-west-1.amazonaws.com/");
  const auto local = place({{"queue", kUrl}, {"endpoint_url", "http://127.0.0.1:4566"}});
  CHECK((local.endpoint.url == "http://127.0.0.1:4566/" && local.endpoint.region == "eu-west-1"));
}

TEST_CASE("a name needs a region, from which the endpoint follows, in China another one") {
  CHECK(fault({{"queue", "orders"}}).starts_with("region: "));
  const auto its = place({{"queue", "orders"}, {"region", "us-east-1"}});
  CHECK((its.queue_name == "orders" && its.queue_url.empty() && !its.is_fifo()));
  CHECK(its.endpoint.url == "https://sqs.us-east-1.amazonaws.com/");
  const auto china = place({{"queue", "orders"}, {"region", "cn-north-1"}});
  CHECK(china.endpoint.url == "https://sqs.cn-north-1.amazonaws.com.cn/");
}

TEST_CASE("a URL that is none, or has a secret in it, is refused") {
  CHECK(fault({{"queue", "orders"}, {"region", "x y"}}).starts_with("region: 'x y' is none"));
  CHECK(fault({{"queue", "orders"}, {"region", "r"}, {"endpoint_url", "localhost:4566"}})
            .starts_with("endpoint_url: it does not begin with https://"));
  const auto said =
      fault({{"queue", "orders"}, {"region", "r"}, {"endpoint_url", "http://me:hunter2@host"}});
  CHECK(said.find("has a user or a password in it") != std::string::npos);
  CHECK(said.find("hunter2") == std::string::npos);
}
