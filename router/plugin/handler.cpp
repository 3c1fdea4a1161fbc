// SPDX-License-Identifier: Apache-2.0
#include "plugin/handler.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/equal_bytes.h"
#include "base/text.h"

namespace standpipe::plugin {
namespace {

standpipe_string abi(const std::string& text) { return {text.data(), text.size()}; }

std::string_view view(standpipe_string s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}

// A plugin's text on its way to a person.
std::string reason_text(const standpipe_reason& reason) {
  const auto length = std::min<std::size_t>(reason.length, sizeof reason.text);
  return length ? escaped({reason.text, length}) : "it gave no reason";
}

// The reason of a message whose outcome became a retry.
std::string refusal_text(std::uint8_t outcome) {
  if (outcome == STANDPIPE_TAKEN)
    return "its plugin took it to settle it later, which is of minor version 1 of the plugin "
           "interface, and the plugin says that it needs no more than 0";
  if (outcome == STANDPIPE_SEND) return "its plugin sends it to no output";
  return "its plugin answered with outcome " + std::to_string(outcome) +
         ", which this router does not know";
}

void tell(const std::string& why, standpipe_reason* reason) {
  if (!reason) return;
  reason->length = static_cast<std::uint32_t>(std::min(why.size(), sizeof reason->text));
  std::memcpy(reason->text, why.data(), reason->length);
}

// The ABI's form of the values, which borrow from them.
struct AbiValues {
  std::vector<std::vector<standpipe_item>> items;
  std::vector<standpipe_value> values;
  explicit AbiValues(const std::vector<Value>& from) {
    for (const auto& v : from) {
      auto& list = items.emplace_back();
      for (const auto& [key, text] : v.items) list.push_back({abi(key), abi(text)});
      standpipe_value out{};
      out.size = sizeof out;
      out.type = v.type;
      out.is_set = v.is_set;
      out.item_count = static_cast<std::uint32_t>(list.size());
      out.integer = v.integer;
      out.real = v.real;
      out.text = abi(v.text);
      out.items = list.data();
      values.push_back(out);
    }
  }
};

}  // namespace

Handler::Handler(const Plugin& plugin, std::string name, HostServices& services,
                 MessageTaker* taker, Kind kind)
    : handler_(kind == Kind::handler ? plugin.abi->handler : nullptr),
      source_(kind == Kind::source ? plugin.abi->source : nullptr),
      common_(common_of(plugin, kind)),
      name_(std::move(name)),
      services_(services),
      taker_(taker),
      plugin_(plugin) {
  host_ = {sizeof host_, STANDPIPE_ABI_MAJOR, STANDPIPE_ABI_MINOR, this, host_log,
           host_now,     host_stopping,       host_extension};
}

Handler::Common Handler::common_of(const Plugin& plugin, Kind kind) {
  const auto of = [](const auto& abi) { return Common{abi.create, abi.close, abi.destroy}; };
  return kind == Kind::source ? of(*plugin.abi->source) : of(*plugin.abi->handler);
}

Handler::~Handler() {
  close();
  if (self_ && common_.destroy) common_.destroy(self_);
}

Answer Handler::answer(std::uint32_t code, const standpipe_reason& reason) const {
  if (code == STANDPIPE_OK) return {};
  if (code > STANDPIPE_FATAL)
    return {STANDPIPE_FATAL, "its plugin answered a call with " + std::to_string(code) +
                                 ", which this router does not know" +
                                 (reason.length ? ": " + reason_text(reason) : "")};
  return {code, reason_text(reason)};
}

Answer Handler::create(const std::vector<Value>& values) {
  const AbiValues given(values);
  standpipe_config config{};
  config.size = sizeof config;
  config.value_count = static_cast<std::uint32_t>(given.values.size());
  config.value_stride = sizeof(standpipe_value);
  config.values = given.values.data();
  config.instance = abi(name_);
  standpipe_reason reason{};
  const auto code = common_.create(&host_, &config, &self_, &reason);
  if (code != STANDPIPE_OK) self_ = nullptr;
  return answer(code, reason);
}

Answer Handler::open(std::string_view resume) {
  standpipe_reason reason{};
  std::uint32_t code = STANDPIPE_OK;
  if (source_ && source_->open)
    code = source_->open(self_, {resume.data(), resume.size()}, &reason);
  else if (handler_ && handler_->open)
    code = handler_->open(self_, &reason);
  auto result = answer(code, reason);
  opened_ = result.ok();
  flushed_ = false;
  return result;
}

void Handler::prepare(standpipe_result& result, std::uint32_t count, std::uint32_t notes) {
  result.size = sizeof result;
  result.output = 0;
  result.at = STANDPIPE_NOT_TOLD;
  if (notes == 0) result.notes = nullptr;
  result.note_room = std::min(notes, count);
  result.note_count = 0;
  std::memset(result.outcomes, STANDPIPE_DELIVERED, count);
}

Answer Handler::handle(const standpipe_batch& batch, standpipe_result& result) {
  standpipe_reason reason{};
  result.reason = &reason;
  auto told = answer(handler_->handle(self_, &batch, &result), reason);
  const auto mended = mend(result, batch.count, told.ok(), plugin_.may_take());
  if (!mended.needs_reason || !told.ok()) return told;
  const bool refused = mended.refused != STANDPIPE_DELIVERED;
  told.reason = refused ? refusal_text(mended.refused) : reason_text(reason);
  return told;
}

Mended Handler::mend(standpipe_result& result, std::uint32_t count, bool ok, bool takes) {
  if (result.at == STANDPIPE_NOT_TOLD) result.at = ok ? count : 0;
  result.at = std::min(result.at, count);
  Mended mended;
  const bool all_delivered = result.at > 0 && result.outcomes[0] == STANDPIPE_DELIVERED &&
                             equal_bytes({result.outcomes, result.at}) == result.at;
  if (all_delivered) return mended;
  for (std::uint32_t i = 0; i < result.at; ++i) {
    auto& outcome = result.outcomes[i];
    const auto told = outcome;
    const bool is_refused = told == STANDPIPE_TAKEN  ? !takes
                            : told == STANDPIPE_SEND ? result.output == 0
                                                     : told > STANDPIPE_TAKEN;
    if (is_refused) outcome = STANDPIPE_RETRY;
    if (outcome == STANDPIPE_RETRY || outcome == STANDPIPE_REJECT)
      mended = {true, told == outcome ? std::uint8_t{STANDPIPE_DELIVERED} : told};
  }
  return mended;
}

Answer Handler::flush(std::uint64_t deadline_ns) {
  standpipe_reason reason{};
  if (std::exchange(flushed_, true)) return {};
  const bool can = opened_ && handler_ && handler_->flush;
  return answer(can ? handler_->flush(self_, deadline_ns, &reason) : std::uint32_t{STANDPIPE_OK},
                reason);
}

Answer Handler::reopen() {
  standpipe_reason reason{};
  const bool can =
      opened_ && handler_ && STANDPIPE_HAS(handler_, standpipe_handler, reopen) && handler_->reopen;
  return answer(can ? handler_->reopen(self_, &reason) : std::uint32_t{STANDPIPE_OK}, reason);
}

Answer Handler::tick(std::uint64_t now_ns, std::uint64_t& next_ns) {
  standpipe_reason reason{};
  next_ns = UINT64_MAX;
  if (!opened_ || !handler_ || !STANDPIPE_HAS(handler_, standpipe_handler, tick) || !handler_->tick)
    return {};
  return answer(handler_->tick(self_, now_ns, &next_ns, &reason), reason);
}

Answer Handler::poll(standpipe_credit& credit) {
  standpipe_reason reason{};
  if (!opened_ || !source_->poll) return {};
  return answer(source_->poll(self_, &credit, &reason), reason);
}

void Handler::committed(std::uint64_t sequence) {
  if (opened_ && source_->committed) source_->committed(self_, sequence);
}

void Handler::close() {
  if (opened_ && common_.close) common_.close(self_);
  opened_ = false;
}

// ---- what the plugin calls. Nothing may be thrown into it.

// A line is cut where one of a handler's process would be.
void Handler::host_log(void* self, std::uint32_t level, standpipe_string text) try {
  static_cast<Handler*>(self)->services_.log(level, escaped(view(text).substr(0, kLogBytesMax)));
} catch (...) {
}

std::uint64_t Handler::host_now(void* self) { return static_cast<Handler*>(self)->services_.now(); }

std::uint32_t Handler::host_stopping(void* self) {
  return static_cast<Handler*>(self)->services_.stopping();
}

// A handler emits, and a source puts.
const void* Handler::host_extension(void* self, standpipe_string id) {
  static constexpr standpipe_output kOutput{
      sizeof(standpipe_output), 0, host_add_fifo, host_send_all, host_add_file,
      host_send_all_until};
  static constexpr standpipe_settle kSettle{sizeof(standpipe_settle), 0, host_settle, host_wake};
  if (view(id) == STANDPIPE_OUTPUT_EXTENSION) return &kOutput;
  static constexpr standpipe_emit kEmit{sizeof(standpipe_emit), 0, host_emit};
  static constexpr standpipe_accept kAccept{sizeof(standpipe_accept), 0, host_put, host_resume};
  const auto& handler = *static_cast<Handler*>(self);
  if (view(id) == STANDPIPE_SETTLE_EXTENSION) return &kSettle;
  if (view(id) == STANDPIPE_EMIT_EXTENSION && handler.handler_) return &kEmit;
  if (view(id) == STANDPIPE_ACCEPT_EXTENSION && handler.source_) return &kAccept;
  return nullptr;
}

// Text beyond what a reason has room for is not kept.
void Handler::host_settle(void* self, std::uint64_t ticket, std::uint32_t first,
                          std::uint32_t count, std::uint32_t outcome, standpipe_string why) try {
  const auto text = view(why).substr(0, sizeof standpipe_reason::text);
  static_cast<Handler*>(self)->services_.settle(ticket, first, count, outcome, escaped(text));
} catch (...) {
}

// A settlement of no batch: it goes the way that the others go.
void Handler::host_wake(void* self) try {
  static_cast<Handler*>(self)->services_.settle(kNoTicket, 0, 0, STANDPIPE_DELIVERED, {});
} catch (...) {
}

// Nothing would ever tell the author why there is never room.
bool Handler::may_make_now() {
  if (taker_->is_in_call()) return true;
  if (!has_said_outside_.exchange(true))
    services_.log(STANDPIPE_LOG_ERROR,
                  source_ ? "it puts a message outside of poll, or in another thread than that of "
                            "poll, and is answered FULL: hand it to poll, and end its wait"
                          : "it emits a message outside of handle and tick, or in another thread "
                            "than theirs, and is answered FULL: hand it to tick, which "
                            "standpipe_settle.wake asks for, or write a source");
  return false;
}

std::uint32_t Handler::host_emit(void* self, std::uint32_t of, const standpipe_out* message) try {
  auto& handler = *static_cast<Handler*>(self);
  if (handler.taker_)
    return handler.may_make_now() ? handler.taker_->take(of, *message)
                                  : std::uint32_t{STANDPIPE_PUT_FULL};
  if (!handler.has_said_nowhere_.exchange(true))
    handler.services_.log(STANDPIPE_LOG_WARNING,
                          "what it emits goes nowhere: no route is from: " + handler.name_);
  return STANDPIPE_PUT_OK;
} catch (...) {
  return STANDPIPE_PUT_FULL;
}

std::uint32_t Handler::host_put(void* self, const standpipe_out* message,
                                std::uint64_t* sequence) try {
  auto& handler = *static_cast<Handler*>(self);
  auto* taker = handler.taker_;
  if (!taker || !handler.may_make_now()) return STANDPIPE_PUT_FULL;
  const auto taken = taker->take(STANDPIPE_OF_NONE, *message);
  if (taken == STANDPIPE_PUT_OK && sequence) *sequence = taker->last_sequence();
  return taken;
} catch (...) {
  return STANDPIPE_PUT_FULL;
}

void Handler::host_resume(void* self, standpipe_string text) try {
  auto& handler = *static_cast<Handler*>(self);
  if (handler.taker_ && handler.taker_->resume(view(text))) return;
  if (handler.has_said_no_place_.exchange(true)) return;  // each poll may do it
  handler.services_.log(STANDPIPE_LOG_ERROR,
                        "it said where to go on outside of poll, or in more than " +
                            std::to_string(STANDPIPE_RESUME_BYTES_MAX) +
                            " bytes: the place before that stays");
} catch (...) {
}

std::uint32_t Handler::host_send_all(void* self, std::uint32_t output) {
  return static_cast<Handler*>(self)->services_.send_all(output);
}

std::uint32_t Handler::host_add_fifo(void* self, const standpipe_fifo_output* fifo,
                                     standpipe_reason* reason) try {
  std::string why;
  const bool trusts =
      STANDPIPE_HAS(fifo, standpipe_fifo_output, trust) && fifo->trust == STANDPIPE_TRUST_OTHERS;
  const bool mode_given =
      STANDPIPE_HAS(fifo, standpipe_fifo_output, mode_given) && fifo->mode_given == 1;
  const FifoOutputRequest request{std::string(view(fifo->path)),
                                  fifo->mode,
                                  fifo->create != 0,
                                  fifo->on_reader_death == STANDPIPE_READER_DEATH_RESEND,
                                  trusts,
                                  mode_given};
  const auto number = static_cast<Handler*>(self)->services_.add_fifo(request, why);
  if (!number) tell(why, reason);
  return number;
} catch (...) {
  return 0;
}

std::uint32_t Handler::host_add_file(void* self, const standpipe_file_output* file,
                                     standpipe_reason* reason) try {
  std::string why;
  const FileOutputRequest request{std::string(view(file->path)), file->fd,
                                  std::chrono::nanoseconds(file->sync)};
  const auto number = static_cast<Handler*>(self)->services_.add_file(request, why);
  if (!number) tell(why, reason);
  return number;
} catch (...) {
  return 0;
}

std::uint32_t Handler::host_send_all_until(void* self, std::uint32_t output, std::uint64_t bytes,
                                           std::uint64_t time) {
  return static_cast<Handler*>(self)->services_.send_all_until(output, bytes, time);
}

}  // namespace standpipe::plugin
