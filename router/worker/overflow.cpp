// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow.h"

#include <chrono>
#include <utility>

#include "base/failure.h"
#include "base/limits.h"
#include "base/text.h"
#include "deliver/remaining.h"
#include "deliver/spill.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kOverflowBatchBytes =
    256 * KiB;  // a turn, as from a FIFO; one larger message is a batch of its own
constexpr Nanoseconds kOverflowRetry = 5s;

std::string handlers_of(std::span<const Overflow::Held> held) {
  std::vector<std::string> names;
  for (const auto& h : held)
    names.push_back(std::string(h.handler) + (h.reason.empty() ? "" : " (" + h.reason + ")"));
  return joined(names, ", ");
}

}  // namespace

Overflow::Overflow(state::Memory& memory, std::string data_dir, std::string source,
                   std::uint64_t max, const Clock& clock, Reporter& reporter)
    : memory_(memory),
      data_dir_(std::move(data_dir)),
      source_(std::move(source)),
      max_(max),
      clock_(clock),
      reporter_(reporter),
      persistent_(memory, "overflow/" + source_) {}

std::uint64_t Overflow::number_in(const state::Memory& memory, const std::string& source) {
  const auto bytes = memory.find("overflow/" + source);
  if (bytes.empty()) return 0;
  if (bytes.size() != sizeof(OverflowRecord))
    throw state::Damaged("an overflow's record has another size");
  return reinterpret_cast<const OverflowRecord*>(bytes.data())->end.number;
}

bool Overflow::absorb(std::span<const Held> held, log::Cursor until) {
  if (held.empty() || max_ == 0 || (retry_at_ && clock_.steady() < *retry_at_)) return false;
  const bool is_new = persistent_->end.bytes == 0;
  if (!open(held)) return false;
  log::Cursor end;
  if (!append(held, until, end)) return false;
  for (const auto& h : held) h.delivery->save_before(end);
  persistent_.edit().end = file_->end();
  memory_.commit();
  retry_at_.reset();
  if (!std::exchange(stuck_, {}).empty())
    reporter_.info(source_ + ": " + file_->path() + " takes messages again");
  if (is_new) report_begin(held);
  return true;
}

// The file's number is committed before the file is made, so that the next worker knows whose it
// is.
bool Overflow::open(std::span<const Held> held) try {
  if (file_) return true;
  if (persistent_->end.number == 0) {
    const auto number = deliver::SpillReader::next_number(data_dir_, source_);
    persistent_.edit() = {{.number = number}, static_cast<std::uint64_t>(clock_.steady().count())};
    memory_.commit();
  }
  if (persistent_->end.bytes >= max_) {
    report_full(held);
    return false;
  }
  file_.emplace(data_dir_, source_, persistent_->end);
  return true;
} catch (const Failure& failure) {
  report_failure(failure);
  return false;
}

// false: nothing was taken. `end` is behind the last message that was.
bool Overflow::append(std::span<const Held> held, log::Cursor until, log::Cursor& end) {
  std::vector<const deliver::Delivery*> deliveries;
  for (const auto& h : held) deliveries.push_back(h.delivery);
  std::vector<std::string_view> names;
  deliver::Remaining rest(deliveries);
  std::optional<Failure> failure;
  std::size_t bytes = 0;
  while (const auto message = rest.next()) {
    if (!(message->at < until) ||
        (bytes > 0 && bytes + message->frame.size() > kOverflowBatchBytes))
      break;
    const auto takes =
        message->frame.size() + message->fields.size() + deliver::OverflowFile::kBytesAMessage;
    if (file_->end().bytes + takes > max_) {
      if (bytes == 0) report_full(held);
      break;
    }
    names.clear();
    for (const auto i : message->wanted_by) names.push_back(held[i].handler);
    failure = file_->add(message->at.sequence.number, message->accepted_ns, names, message->frame,
                         message->fields);
    if (failure) break;
    bytes += message->frame.size();
    end = {message->at.position + message->frame.size(), message->at.sequence + 1};
  }
  if (!failure && bytes > 0) failure = file_->hand_over();
  if (failure) report_failure(*failure);
  return bytes > 0 && !failure;
}

bool Overflow::sync() try {
  if (persistent_->end.bytes == 0) return true;
  if (!file_) file_.emplace(data_dir_, source_, persistent_->end);
  const auto failure = file_->sync();
  if (failure) report_failure(*failure);
  return !failure;
} catch (const Failure& failure) {
  report_failure(failure);
  return false;
}

void Overflow::finish() try {
  if (persistent_->end.bytes == 0) return;
  if (!file_) file_.emplace(data_dir_, source_, persistent_->end);
  if (const auto failure = file_->finish()) report_failure(*failure);
} catch (const Failure& failure) {
  report_failure(failure);
}

std::optional<Overflow::State> Overflow::state() const {
  if (persistent_->end.bytes == 0) return std::nullopt;
  return State{deliver::SpillReader::path_of(data_dir_, source_, number()),
               persistent_->end.bytes,
               persistent_->end.messages,
               max_,
               clock_.wall_at(Nanoseconds(persistent_->since_ns)),
               stuck_};
}

// ---- what people are told

void Overflow::report_begin(std::span<const Held> held) const {
  reporter_.warning("overflow",
                    source_ + ": the log is full of what waits for " + handlers_of(held) +
                        ", which " + (held.size() == 1 ? "is" : "are") +
                        " held: from now on it goes to " + file_->path() + ", at most " +
                        size_text(max_) + ", and the other handlers continue",
                    "remove the cause and start the hub again: it delivers that first");
}

void Overflow::report_full(std::span<const Held> held) {
  if (!std::exchange(stuck_, "it is full").empty()) return;
  reporter_.warning(
      "overflow",
      source_ + ": what waits for " + handlers_of(held) + " has filled " +
          deliver::SpillReader::path_of(data_dir_, source_, persistent_->end.number) + " (" +
          size_text(max_) + "): the source is no longer read, and its writers wait",
      "remove the cause and start the hub again, or raise `log: { overflow_max: }` on this source");
}

void Overflow::report_failure(const Failure& failure) {
  retry_at_ = clock_.steady() + kOverflowRetry;
  if (std::exchange(stuck_, failure.what()) == failure.what()) return;
  reporter_.error("overflow",
                  source_ +
                      ": what waits for held handlers cannot be saved, so the source is not read, "
                      "and its writers wait: " +
                      failure.what(),
                  failure.help());
}

}  // namespace standpipe::worker
