// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <charconv>
#include <cstdlib>
#include <map>
#include <new>

#include "callees.h"
#include "description.h"
#include "headers.h"
#include "refusal.h"
#include "streams.h"
#include "subject.h"

namespace nats {

using Part = common::Template::Part;
using standpipe::Outcome;
using std::chrono::nanoseconds;

namespace {

constexpr std::chrono::milliseconds kTick{200};  // how soon a lost connection is told
constexpr std::chrono::milliseconds kRoomPatience{50};
constexpr std::chrono::milliseconds kFlushPause{50};

common::Template template_of(const std::string& text, const std::string& option) {
  return common::Template(
      text, {option, {Part::source, Part::sequence, Part::time, Part::json, Part::meta}});
}

std::string required_subject(const standpipe::Options& options) {
  if (options.has("subject") && !options.text("subject").empty()) return options.text("subject");
  throw standpipe::fatal("subject: it is missing; a handler needs to know where to publish");
}

std::string fixed(const common::Template& whole) {
  if (whole.has_placeholders()) return "";
  std::string text;
  for (const auto& piece : whole.pieces()) text += piece.text;
  const auto fault = subject_fault(text, true);
  if (!fault.empty()) throw standpipe::fatal("subject: nothing can be published there: " + fault);
  return text;
}

}  // namespace

// ---- Letters

Letters::Letters(const standpipe::Options& options)
    : subject_(template_of(required_subject(options), "subject")),
      fixed_subject_(fixed(subject_)),
      has_metadata_(options.boolean("metadata")),
      has_default_id_(!options.has("msg_id")),
      stream_(options.text("stream")) {
  for (const auto& [name, value] : options.map("headers")) {
    if (name.starts_with("Nats-") && name != "Nats-Rollup" && name != "Nats-TTL")
      throw standpipe::fatal("headers: " + name +
                             " is one of the server's own; for Nats-Msg-Id use msg_id");
    headers_.emplace_back(name, template_of(value, "headers." + name));
  }
  if (!options.text("msg_id").empty()) id_ = template_of(options.text("msg_id"), "msg_id");
}

std::string Letters::filled(const common::Template& whole, const char* option) {
  std::string text;
  if (fields_.append(text, whole)) return text;
  for (const auto& piece : whole.pieces())
    if (piece.part != Part::literal && !fields_.text(piece))
      throw standpipe::reject(std::string(option) + ": the message has no " + piece.text + ": " +
                              fields_.why_missing(piece));
  throw standpipe::reject(std::string(option) + ": the message does not have all of it");
}

Owned<natsMsg> Letters::letter(const standpipe::Message& message, std::uint64_t number) {
  fields_.look_at(message);
  std::string chosen;
  if (fixed_subject_.empty()) {
    chosen = filled(subject_, "subject");
    const bool begins_itself = !subject_.pieces().empty() &&
                               subject_.pieces().front().part == Part::literal &&
                               subject_.pieces().front().text.starts_with('$');
    const auto fault = subject_fault(chosen, begins_itself);
    if (!fault.empty()) throw standpipe::reject("its subject '" + chosen + "' is none: " + fault);
  }
  const auto& subject = fixed_subject_.empty() ? chosen : fixed_subject_;
  natsMsg* made = nullptr;
  const auto payload = message.text();
  const auto status = natsMsg_Create(&made, subject.c_str(), std::to_string(number).c_str(),
                                     payload.data(), static_cast<int>(payload.size()));
  if (status != NATS_OK) throw std::bad_alloc();
  Owned<natsMsg> letter(made);
  add_headers(made, message);
  return letter;
}

void Letters::add_headers(natsMsg* letter, const standpipe::Message& message) {
  if (has_metadata_)
    for (const auto& pair : message.metadata()) {
      const std::string_view name(pair.name.data, pair.name.size);
      if (!is_left_out(name))
        add_header(letter, std::string(name), std::string(pair.value.data, pair.value.size));
    }
  for (const auto& [name, value] : headers_)
    add_header(letter, name, filled(value, ("headers." + name).c_str()));
  const auto its_id = id(message);
  if (!its_id.empty()) add_header(letter, "Nats-Msg-Id", its_id);
  if (!stream_.empty()) add_header(letter, "Nats-Expected-Stream", stream_);
}

// The time makes it another one where sequences begin anew, or another hub has a source of the same
// name: a stream would drop such a message as a repeat.
std::string Letters::id(const standpipe::Message& message) {
  if (id_) return filled(*id_, "msg_id");
  if (!has_default_id_) return "";
  std::string id(message.source());
  char digits[20];
  const auto append = [&](std::uint64_t number, int base) {
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number, base).ptr;
    id.append(1, ':').append(digits, end);
  };
  append(message.sequence(), 10);
  append(static_cast<std::uint64_t>(message.time().count()), 16);
  return id;
}

// ---- Handler

void Handler::describe(standpipe::Description& d) { nats::describe(d); }

Handler::Handler(const standpipe::Options& options)
    : settings_(options),
      stream_(options.text("stream")),
      ack_timeout_(options.duration("ack_timeout")),
      letters_(options),
      window_(options.host(), static_cast<std::size_t>(options.integer("max_pending")),
              options.bytes("max_pending_bytes")) {}

void Handler::open() {
  close();  // of an open that failed
  connection_ = std::make_unique<Connection>(settings_, [this] { window_.interrupt(); });
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
  return kTick;
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
  if (context_ && window_.messages() > 0) {
    natsMsgList pending{};
    if (js_PublishAsyncGetPendingList(&pending, context_.get()) == NATS_OK)
      natsMsgList_Destroy(&pending);
  }
  context_.reset();
  connection_.reset();
  unroutable_.take_all();
  window_.clear();
}

}  // namespace nats
