// SPDX-License-Identifier: Apache-2.0
#include "pull.h"

#include <algorithm>
#include <standpipe/plugin.hpp>
#include <utility>

#include "callees.h"

namespace nats {

namespace {

constexpr std::int64_t kHeadersMost = 64 * 1024;  // JetStream's limit, which a payload comes with

// A message that is larger than a request would never be delivered.
Requests::Bounds at_least_one(Requests::Bounds bounds, natsConnection* connection) {
  bounds.bytes = std::max(bounds.bytes, natsConnection_GetMaxPayload(connection) + kHeadersMost);
  return bounds;
}

}  // namespace

Pull::Pull(Connection& connection, Arrivals& arrivals, std::string next_subject,
           Requests::Bounds bounds)
    : connection_(connection),
      arrivals_(arrivals),
      next_subject_(std::move(next_subject)),
      requests_(at_least_one(bounds, connection.get())),
      closure_(Callees<Pull>::all().add(*this)) {
  natsInbox* made = nullptr;
  auto status = natsInbox_Create(&made);
  if (status == NATS_OK) inbox_ = made;
  natsInbox_Destroy(made);
  natsSubscription* subscription = nullptr;
  if (status == NATS_OK)
    status = natsConnection_Subscribe(&subscription, connection.get(), (inbox_ + ".*").c_str(),
                                      arrived, closure_);
  subscription_.reset(subscription);
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
  if (status == NATS_OK) return;
  Callees<Pull>::all().remove(closure_);
  throw standpipe::disconnected("cannot subscribe: " + error_text(status));
}

Pull::~Pull() { Callees<Pull>::all().remove(closure_); }

void Pull::arrived(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
  Owned<natsMsg> owner(message);
  Callees<Pull>::all().call(closure, [&](Pull& it) { it.arrivals_.add(std::move(owner)); });
}

void Pull::ask_for_more() {
  const auto now = Requests::Clock::now();
  if (requests_.is_silent(now))
    return connection_.fail_for_now("the consumer does not answer any more");
  const int count = requests_.wanted();
  if (count == 0) return;
  const auto body = requests_.ask(count, now);
  const auto reply = inbox_ + "." + std::to_string(++request_);
  const auto status =
      natsConnection_PublishRequest(connection_.get(), next_subject_.c_str(), reply.c_str(),
                                    body.data(), static_cast<int>(body.size()));
  if (status != NATS_OK) connection_.fail_for_now("the connection is lost: " + error_text(status));
}

void Pull::heard(natsMsg* status) {
  const auto fault = requests_.status(status);
  if (!fault.empty()) connection_.fail_for_now(fault);
}

}  // namespace nats
