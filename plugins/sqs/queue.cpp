// SPDX-License-Identifier: Apache-2.0
#include "queue.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "common/json_scan.h"

using common::json_quoted;

namespace {

// Where the queue does not tell, since the credentials may not ask: what AWS has for a new queue.
constexpr std::size_t kMessageBytesMax = 1 << 20;
constexpr std::chrono::seconds kVisibilityTimeout{30};

constexpr std::chrono::milliseconds kLook{100};  // whether the hub stops

long number_of(const std::string& text, long otherwise) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number
                                                                                : otherwise;
}

Where where_of(const Place& place, const Credentials& credentials) {
  return {place.queue(), place.endpoint.region, place.endpoint.url, credentials.from,
          credentials.may_change};
}

}  // namespace

Queue::Queue(standpipe::Host host, const Place& place)
    : Queue(host, place, find_credentials(place.credentials, place.profile)) {}

Queue::Queue(standpipe::Host host, const Place& place, Credentials credentials)
    : host_(host),
      request_timeout_(place.request_timeout),
      where_(where_of(place, credentials)),
      client_(place.endpoint, std::move(credentials)),
      url_(place.queue_url),
      is_fifo_(place.is_fifo()),
      message_bytes_max_(kMessageBytesMax),
      visibility_timeout_(kVisibilityTimeout) {
  if (url_.empty()) find(place);
  read_attributes();
}

std::string Queue::begin_body() const { return "{\"QueueUrl\":" + json_quoted(url_); }

Reply Queue::call(std::string_view action, std::string body) {
  client_.start({0, action, std::move(body), request_timeout_});
  for (;;) {
    for (auto& reply : client_.wait(Client::Clock::now() + kLook)) return std::move(reply);
    if (host_.stopping()) throw standpipe::disconnected("the hub stops");
  }
}

void Queue::find(const Place& place) {
  auto body = "{\"QueueName\":" + json_quoted(place.queue_name);
  if (!place.account_id.empty())
    body += ",\"QueueOwnerAWSAccountId\":" + json_quoted(place.account_id);
  const auto reply = call("GetQueueUrl", body + "}");
  if (const auto trouble = trouble_of(reply)) trouble.raise();
  url_ = read(reply)["QueueUrl"].text();
  if (url_.empty())
    throw standpipe::disconnected(where_.url +
                                  " answers GetQueueUrl with no QueueUrl; is "
                                  "endpoint_url right?");
}

// Who may only send is often not allowed to ask for attributes: then SQS's defaults hold.
void Queue::read_attributes() {
  const auto reply = call("GetQueueAttributes", begin_body() + ",\"AttributeNames\":[\"All\"]}");
  if (const auto trouble = trouble_of(reply)) {
    if (!trouble.is_access_denied) trouble.raise();
    host_.info("may not ask for the attributes of " + where_.queue +
               " (sqs:GetQueueAttributes): a message of up to 1048576 bytes and a visibility "
               "timeout of 30 s are taken for given");
    return;
  }
  const auto attributes = read(reply)["Attributes"];
  message_bytes_max_ = static_cast<std::size_t>(
      number_of(attributes["MaximumMessageSize"].text(), static_cast<long>(message_bytes_max_)));
  visibility_timeout_ = std::chrono::seconds(
      number_of(attributes["VisibilityTimeout"].text(), visibility_timeout_.count()));
}
