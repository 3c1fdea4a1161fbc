// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <poll.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <span>

#include "outbox.h"

using standpipe::Poll;

namespace {

constexpr std::string_view kGreeting = "standpipe ";

}  // namespace

void CommitCounts::add(std::uint64_t sequence) {
  auto* last = open_.empty() ? nullptr : &open_.back();
  if (last && last->more == 0 && last->first + last->count == sequence)
    ++last->count;
  else
    open_.push_back({sequence, 1, 0});
}

void CommitCounts::add_none() {
  if (open_.empty())
    ++safe_;
  else
    ++open_.back().more;
}

std::uint64_t CommitCounts::safe(std::uint64_t sequence) {
  while (!open_.empty() && open_.front().first <= sequence) {
    auto& run = open_.front();
    const auto done = std::min(run.count, sequence - run.first + 1);
    safe_ += done;
    run.first += done;
    run.count -= done;
    if (run.count > 0) break;
    safe_ += run.more;
    open_.pop_front();
  }
  return safe_;
}

ExecSource::ExecSource(const standpipe::Options& options)
    : host_(options.host()), settings_(options), reader_(settings_.message_max) {}

void ExecSource::open(std::string_view resume) {
  program_.reset();
  inbox_.clear();
  speaks_ = Speaks::unknown;
  greeted_ = has_ended_ = is_done_ = wants_commits_ = false;
  resume_ = resume;
  to_program_.clear();
  counts_ = {};
  safe_ = told_ = 0;
  program_ = std::make_unique<Program>(host_, settings_, "source", Program::Output::answers);
}

void ExecSource::poll(Poll& poll) try {
  const NoSigpipe now;
  const auto before = poll.messages();
  for (;;) {
    if (!is_done_) put_all(poll);
    send();
    if (poll.messages() < before || !poll.has_credit()) return;
    if (Poll::Clock::now() >= poll.deadline()) return;
    wait(poll);
    if (woken_) return;
  }
} catch (const Nonsense& wrong) {
  program_->kill();
  throw standpipe::fatal(wrong.what());
}

// All that is there, within the credit. What comes when there is none stays where it is.
void ExecSource::put_all(Poll& poll) {
  while (poll.has_credit()) {
    const auto next = put_next(poll);
    inbox_.mark();
    if (next == Next::no_room) return;
    if (next == Next::put) continue;
    if (!read()) return;
  }
}

// false: there is no more now.
bool ExecSource::read() {
  const bool had_ended = has_ended_;
  const auto got = inbox_.read(program_->out());
  if (got == Inbox::Read::some) return true;
  if (got == Inbox::Read::at_end || had_ended) program_left();
  return false;
}

ExecSource::Next ExecSource::put_next(Poll& poll) {
  if (speaks_ == Speaks::unknown) learn_language();
  if (speaks_ == Speaks::unknown) return Next::nothing;
  return speaks_ == Speaks::frames ? put_frame(poll) : follow_record(poll);
}

void ExecSource::learn_language() {
  const auto bytes = inbox_.bytes();
  if (bytes.size() < STANDPIPE_WIRE_HEADER_BYTES) return;
  const bool greets = bytes.substr(0, kGreeting.size()) == kGreeting.substr(0, bytes.size());
  speaks_ = greets ? Speaks::records : Speaks::frames;
  if (!greets && length_at(bytes) > settings_.message_max)
    throw Nonsense(
        nonsense(bytes, "a frame of at most max_message_size, or the greeting `standpipe 1`"));
}

ExecSource::Next ExecSource::put_frame(Poll& poll) {
  const auto bytes = inbox_.bytes();
  if (bytes.size() < STANDPIPE_WIRE_HEADER_BYTES) return Next::nothing;
  const std::size_t length = length_at(bytes);
  if (length > settings_.message_max)
    throw Nonsense("it printed a frame of " + std::to_string(length) +
                   " bytes, above max_message_size (" + std::to_string(settings_.message_max) +
                   "): " + nonsense(bytes, "a frame"));
  if (bytes.size() - STANDPIPE_WIRE_HEADER_BYTES < length) return Next::nothing;
  const auto next = put(poll, bytes.substr(STANDPIPE_WIRE_HEADER_BYTES, length), {});
  if (next == Next::put) inbox_.consume(STANDPIPE_WIRE_HEADER_BYTES + length);
  return next;
}

ExecSource::Next ExecSource::follow_record(Poll& poll) {
  Record record;
  if (!reader_.next(inbox_, record)) return Next::nothing;
  if (record.kind == Record::Kind::greeting && !greeted_) {
    answer_greeting(record);
    return Next::put;
  }
  switch (record.kind) {
    case Record::Kind::emit:
      if (put(poll, record.payload, record.meta) == Next::no_room) {
        inbox_.rewind();
        return Next::no_room;
      }
      if (record.resume) poll.resume(*record.resume);
      return Next::put;
    case Record::Kind::resume:
      poll.resume(record.payload);
      return Next::put;
    case Record::Kind::disconnected:
      throw standpipe::disconnected(record.reason.empty() ? "the program says so"
                                                          : std::string(record.reason));
    case Record::Kind::fatal:
      throw standpipe::fatal(record.reason.empty() ? "the program says so"
                                                   : std::string(record.reason));
    default:
      throw Nonsense("it printed an outcome, as a handler does, or greeted twice");
  }
}

// A message that the hub never has room for is left out: there is nobody who could be told.
ExecSource::Next ExecSource::put(Poll& poll, std::string_view payload, std::string_view meta) {
  read_pairs(meta, pairs_);
  const standpipe::Meta all{std::span<const standpipe_pair>(pairs_)};
  const auto answer = poll.put(payload, all);
  if (answer == standpipe::Put::full) return Next::no_room;
  if (answer == standpipe::Put::ok) {
    counts_.add(poll.sequence());
  } else {
    host_.error("left out: " + standpipe::Host::too_large(payload, all));
    counts_.add_none();
  }
  return Next::put;
}

void ExecSource::answer_greeting(const Record& record) {
  greeted_ = true;
  wants_commits_ = record.wants_commits;
  to_program_ = "resume " + std::to_string(resume_.size()) + '\n' + resume_;
}

void ExecSource::committed(std::uint64_t sequence) {
  const NoSigpipe now;
  safe_ = counts_.safe(sequence);
  if (program_) send();
}

// What the program has room for. A newer count replaces one that has not begun to be written.
void ExecSource::send() {
  for (;;) {
    if (to_program_.empty() && wants_commits_ && safe_ > told_) {
      to_program_ = "committed " + std::to_string(safe_) + '\n';
      told_ = safe_;
    }
    if (to_program_.empty() || program_->in() < 0) return;
    const auto n = ::write(program_->in(), to_program_.data(), to_program_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) program_->close_input();
    if (n < 0) return;
    to_program_.erase(0, static_cast<std::size_t>(n));
  }
}

void ExecSource::program_left() {
  const auto how = program_->how_it_ended();
  const auto rest = inbox_.bytes().size();
  std::string more;
  if (rest > 0)
    more = "; its last " + std::to_string(rest) + " bytes are no whole " +
           (speaks_ == Speaks::records ? "record" : "frame");
  if (!program_->has_ended()) program_->kill();
  is_done_ = program_->succeeded() && rest == 0 && !settings_.restarts_after_success;
  if (!is_done_) throw standpipe::disconnected(how + more);
  host_.info(how + ": it is not started again before the hub is (restart: always does)");
}

void ExecSource::wait(const Poll& poll) {
  const bool wants_to_write = !to_program_.empty() && program_->in() >= 0;
  std::array<pollfd, 4> fds{{{poll.wake_fd(), POLLIN, 0},
                             {is_done_ ? -1 : program_->out(), POLLIN, 0},
                             {is_done_ ? -1 : program_->ended_fd(), POLLIN, 0},
                             {wants_to_write ? program_->in() : -1, POLLOUT, 0}}};
  const auto left = std::max(poll.deadline() - Poll::Clock::now(), Poll::Clock::duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec pause{static_cast<std::time_t>(seconds.count()),
                       static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
  const int found = ::ppoll(fds.data(), fds.size(), &pause, nullptr);
  woken_ = found == 0 || (found > 0 && fds[0].revents != 0);
  if (found > 0) has_ended_ = fds[2].revents != 0;
}

// What prints frames alone need not look at its standard input, so its end tells it nothing.
void ExecSource::close() {
  const std::chrono::nanoseconds most = settings_.stop_timeout;
  if (program_ && speaks_ == Speaks::records) program_->end(most, Program::kTermPatience);
  if (program_ && speaks_ != Speaks::records) program_->end({}, most);
  program_.reset();
}
