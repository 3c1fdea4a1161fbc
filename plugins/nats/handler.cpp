// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <cstdlib>
#include <map>

#include "callees.h"
#include "description.h"
#include "refusal.h"
#include "streams.h"

namespace nats {

using standpipe::Outcome;
using std::chrono::nanoseconds;

namespace {

constexpr std::chrono::milliseconds kTick{200};  // while something is not acknowledged
constexpr std::chrono::milliseconds kRoomPatience{50};
constexpr std::chrono::milliseconds kFlushPause{50};
// Then the connection is made anew, or the library would keep ever more of them.
constexpr std::size_t kRefusedMost = 10000;

}  // namespace

void Handler::describe(standpipe::Description& d) { nats::describe(d); }

Handler::Handler(const standpipe::Options& options)
    : host_(options.host()),
      settings_(options),
      stream_(options.text("stream")),
      ack_timeout_(options.duration("ack_timeout")),
      letters_(options),
      window_(options.host(), static_cast<std::size_t>(options.integer("max_pending")),
              options.bytes("max_pending_bytes")) {}

void Handler::open() {
  close();  // of an open that failed
  connection_ = std::make_unique<Connection>(
      settings_, [this] { window_.interrupt(); },
      [this](const RefusedSubject& subject) { return refuse(subject); });
  closure_ = Callees<Handler>::all().add(*this);
  context_ = connection_->jetstream(acknowledged, closure_);
  progress_ = {acknowledgements_, Clock::now()};
  if (!letters_.fixed_subject().empty()) check_stream();
}

// Where the user may not ask, the first message tells.
void Handler::check_stream() {
  const auto& subject = letters_.fixed_subject();
  const auto stream = find_stream(context_.get(), subject);
  connection_->check();
  if (stream.found == Found::no)
    throw standpipe::fatal("no stream takes messages of the subject " + subject +
                           ": create one (nats stream add --subjects), or correct subject");
  if (stream.found == Found::yes && !stream_.empty() && stream.name != stream_)
    throw standpipe::fatal("the subject " + subject + " belongs to the stream " + stream.name +
                           ", and not to " + stream_ + ": correct stream or subject");
}

void Handler::handle(standpipe::Batch& batch) {
  const auto until = Clock::now() + kRoomPatience;
  batch.stop_at(0);
  check();
  if (!std::exchange(is_ticking_, true)) {
    progress_ = {acknowledgements_, Clock::now()};
    (void)host_.wake();
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!window_.wait_for_room(batch[i].size(), until)) return check();
    if (!publish(batch, i)) return check();
    batch.stop_at(i + 1);
  }
}

// false: it was not published, and the connection has failed.
bool Handler::publish(standpipe::Batch& batch, std::size_t i) {
  const auto message = batch[i];
  const auto number = window_.add(batch.taken(i, 1), message.size());
  batch.settle(i, Outcome::taken);
  natsMsg* raw = nullptr;
  try {
    raw = letters_.letter(message, number).release();
  } catch (const standpipe::reject& why) {
    window_.settle(number, Outcome::reject, why.what());
    return true;
  }
  if (letters_.fixed_subject().empty())
    chosen_.add(number, natsMsg_GetSubject(raw), number + 1 - window_.messages());
  const auto status = js_PublishMsgAsync(context_.get(), &raw, nullptr);
  const Owned<natsMsg> not_published(raw);
  if (status == NATS_OK) return true;
  if (status == NATS_MAX_PAYLOAD) {
    window_.settle(number, Outcome::reject,
                   std::to_string(message.size()) +
                       " bytes and its headers are above the server's max_payload of " +
                       std::to_string(natsConnection_GetMaxPayload(connection_->get())) + " bytes");
    return true;
  }
  if (status == NATS_NO_SERVER_SUPPORT)
    connection_->fail_fatally("the server does not take headers: use nats-server 2.2 or later");
  connection_->fail_for_now(status == NATS_CONNECTION_CLOSED
                                ? "the connection is lost"
                                : "cannot publish: " + error_text(status));
  return false;
}

void Handler::check() {
  connection_->check();
  settle_unroutable();
}

// A subject that no stream has will not have one at the next attempt, either: each message of it is
// rejected. A stream that is away for now is an outage.
void Handler::settle_unroutable() {
  std::map<std::string, bool> is_missing;
  for (const auto& [number, subject] : unroutable_.take_all()) {
    const auto [known, is_new] = is_missing.try_emplace(subject);
    if (is_new) known->second = find_stream(context_.get(), subject).found == Found::no;
    if (!known->second) connection_->fail_for_now("no stream answers for the subject " + subject);
    connection_->check();
    window_.settle(number, Outcome::reject, "no stream takes the subject " + subject);
  }
}

// false: it is everybody's, and holds the handler: the one that the options say, or one of
// JetStream's own. What a message chose is that message's alone; the server says it once for each
// of them, also after the first time has settled them all.
bool Handler::refuse(const RefusedSubject& subject) {
  if (!letters_.fixed_subject().empty()) return false;
  const auto numbers = chosen_.take(subject);
  for (const auto number : numbers)
    window_.settle(number, Outcome::reject,
                   "the server does not permit the subject " + subject.text +
                       ": give the user this permission, then replay the message");
  acknowledgements_.fetch_add(numbers.size(), std::memory_order_relaxed);
  if (refused_.fetch_add(numbers.size()) + numbers.size() >= kRefusedMost)
    connection_->fail_for_now("the server has refused " + std::to_string(kRefusedMost) +
                              " messages; the connection is made anew");
  return !numbers.empty() || !subject.text.starts_with("$JS.");
}

void Handler::acknowledged(jsCtx*, natsMsg* letter, jsPubAck*, jsPubAckErr* error, void* closure) {
  const Owned<natsMsg> owner(letter);
  Callees<Handler>::all().call(closure, [&](Handler& it) { it.acknowledged(letter, error); });
}

void Handler::acknowledged(natsMsg* letter, const jsPubAckErr* error) {
  const auto number = std::strtoull(natsMsg_GetReply(letter), nullptr, 10);
  acknowledgements_.fetch_add(1, std::memory_order_relaxed);
  if (!error) return window_.deliver(number);
  if (error->Err == NATS_NO_RESPONDERS && letters_.fixed_subject().empty())
    return unroutable_.add(number, natsMsg_GetSubject(letter));
  if (error->Err == NATS_NO_RESPONDERS)
    return connection_->fail_for_now("no stream answers for the subject " +
                                     letters_.fixed_subject());
  const auto refusal = refusal_of(*error);
  switch (refusal.whom) {
    case Refusal::For::this_message:
      return window_.settle(number, Outcome::reject, refusal.why);
    case Refusal::For::all_until_mended:
      return connection_->fail_fatally(refusal.why);
    case Refusal::For::all_for_now:
      return connection_->fail_for_now(refusal.why);
  }
}

std::optional<nanoseconds> Handler::tick() {
  check();
  const auto now = Clock::now();
  const auto count = acknowledgements_.load(std::memory_order_relaxed);
  if (window_.messages() == 0 || count != progress_.first) progress_ = {count, now};
  if (now - progress_.second > ack_timeout_)
    throw standpipe::disconnected(
        "no acknowledgement came for " +
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(ack_timeout_).count()) +
        " s (ack_timeout)");
  is_ticking_ = window_.messages() > 0;
  return is_ticking_ ? std::optional<nanoseconds>(kTick) : std::nullopt;
}

void Handler::flush(nanoseconds left) {
  const auto until = Clock::now() + left;
  while (Clock::now() < until) {
    if (window_.wait_until_empty(std::min(until, Clock::now() + kFlushPause))) return;
    check();
  }
}

// The library does not free what was never acknowledged, and must not be asked for it if nothing
// was published.
void Handler::close() {
  if (closure_) Callees<Handler>::all().remove(closure_);
  closure_ = nullptr;
  if (connection_) connection_->close();
  if (context_ && (window_.messages() > 0 || refused_ > 0)) {
    natsMsgList pending{};
    if (js_PublishAsyncGetPendingList(&pending, context_.get()) == NATS_OK)
      natsMsgList_Destroy(&pending);
  }
  context_.reset();
  connection_.reset();
  unroutable_.take_all();
  chosen_.clear();
  refused_ = 0;
  window_.clear();
}

}  // namespace nats
