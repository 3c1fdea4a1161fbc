// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include <standpipe/plugin.hpp>

#include "refusal.h"
#include "streams.h"

namespace nats {

namespace {

jsDeliverPolicy deliver_policy(const std::string& name) {
  if (name == "last") return js_DeliverLast;
  if (name == "last_per_subject") return js_DeliverLastPerSubject;
  if (name == "new") return js_DeliverNew;
  if (name == "by_start_sequence") return js_DeliverByStartSequence;
  if (name == "by_start_time") return js_DeliverByStartTime;
  return js_DeliverAll;
}

std::string stream_of(jsCtx* context, const ConsumerSettings& s) {
  if (!s.stream.empty()) return s.stream;
  const auto stream = find_stream(context, s.filter_subject);
  if (stream.found == Found::yes) return stream.name;
  if (stream.found == Found::no)
    throw standpipe::fatal("no stream has the subject " + s.filter_subject +
                           ": create one (nats stream add --subjects), or correct filter_subject");
  throw standpipe::disconnected("cannot ask for the stream of " + s.filter_subject + ": " +
                                stream.why);
}

[[noreturn]] void fail(natsStatus status, jsErrCode error, const std::string& stream,
                       const std::string& what) {
  const auto code = static_cast<int>(error);
  const auto fault = jetstream_fault(status, code);
  if (!fault.empty()) throw standpipe::fatal(fault);
  if (code == kStreamNotFound)
    throw standpipe::fatal("there is no stream " + stream +
                           ": create it (nats stream add), or correct stream");
  throw standpipe::disconnected("cannot " + what + ": " + error_text(status));
}

void create(jsCtx* context, const ConsumerSettings& s, const std::string& stream,
            Owned<jsConsumerInfo>& info) {
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = s.durable.c_str();
  config.Description = "a source of Standpipe";
  config.AckPolicy = js_AckExplicit;
  config.AckWait = s.ack_wait.count();
  config.MaxAckPending = s.max_ack_pending;
  config.MaxDeliver = s.max_deliver == 0 ? -1 : s.max_deliver;
  config.DeliverPolicy = deliver_policy(s.deliver_policy);
  if (s.start_sequence != 0) config.OptStartSeq = s.start_sequence;
  if (s.start_time != 0) config.OptStartTime = s.start_time;
  if (!s.filter_subject.empty()) config.FilterSubject = s.filter_subject.c_str();
  jsErrCode code{};
  jsConsumerInfo* made = nullptr;
  const auto status = js_AddConsumer(&made, context, stream.c_str(), &config, nullptr, &code);
  info.reset(made);
  if (status == NATS_OK) return;
  const auto text = error_text(status);
  if (code != 0 && static_cast<int>(code) != kStreamNotFound &&
      jetstream_fault(status, code).empty())
    throw standpipe::fatal("cannot create the consumer " + s.durable + " of the stream " + stream +
                           ": " + text);
  fail(status, code, stream, "create the consumer " + s.durable);
}

void check(const jsConsumerConfig& config, const ConsumerSettings& s, const std::string& stream) {
  const auto name = "the consumer " + s.durable + " of the stream " + stream;
  if (config.DeliverSubject && *config.DeliverSubject)
    throw standpipe::fatal(name + " is a push consumer: use another durable, or delete it");
  if (config.AckPolicy != js_AckExplicit)
    throw standpipe::fatal(name +
                           " has another ack policy than explicit, by which messages could be "
                           "lost: use another durable, or delete it");
  const std::string filter = config.FilterSubject ? config.FilterSubject : "";
  if (!s.filter_subject.empty() && filter != s.filter_subject && !filter.empty())
    throw standpipe::fatal(name + " has the filter subject " + filter +
                           ": correct filter_subject, or use another durable");
}

}  // namespace

Consumer find_consumer(const Connection& connection, jsCtx* context, const ConsumerSettings& s,
                       const std::string& domain) {
  const auto stream = stream_of(context, s);
  jsErrCode code{};
  jsConsumerInfo* found = nullptr;
  const auto status =
      js_GetConsumerInfo(&found, context, stream.c_str(), s.durable.c_str(), nullptr, &code);
  Owned<jsConsumerInfo> info(found);
  const bool is_missing = status == NATS_NOT_FOUND && static_cast<int>(code) != kStreamNotFound;
  connection.check();
  if (is_missing && !s.create)
    throw standpipe::fatal("the stream " + stream + " has no consumer " + s.durable +
                           ": create it (nats consumer add --pull), or let create_consumer be "
                           "true");
  if (is_missing) create(context, s, stream, info);
  if (!is_missing && status != NATS_OK) fail(status, code, stream, "find the consumer");
  check(*info->Config, s, stream);
  const auto api = domain.empty() ? "$JS.API" : "$JS." + domain + ".API";
  return {stream, api + ".CONSUMER.MSG.NEXT." + stream + "." + s.durable,
          std::chrono::nanoseconds(info->Config->AckWait), info->Created};
}

}  // namespace nats
