// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <span>
#include <utility>

#include "common/error_text.h"
#include "line_log.h"

using standpipe::Batch;
using standpipe::Outcome;
using std::chrono::nanoseconds;

namespace {

constexpr std::chrono::seconds kTick{1};  // how soon an end is seen while no message comes
// How often is asked whether the program has read everything: at first as soon as it can have.
constexpr std::chrono::microseconds kAskFirst{20};
constexpr std::chrono::milliseconds kAskMost{10};
constexpr std::size_t kEmitsMost = 4;  // times max_message_size: what may be made of one message

std::string text_of(nanoseconds time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

timespec spec_of(nanoseconds time) {
  const auto left = std::max(time, nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  return {static_cast<std::time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
}

std::string counted(std::size_t n) {
  return n == 1 ? "1 message" : std::to_string(n) + " messages";
}

}  // namespace

ExecHandler::ExecHandler(const standpipe::Options& options)
    : host_(options.host()),
      settings_(options),
      reader_(settings_.message_max),
      outbox_(settings_.metadata) {}

void ExecHandler::open() {
  program_.reset();
  inbox_.clear();
  outbox_.clear();
  ahead_.clear();
  skipped_ = 0;
  read_ = 0;
  has_ended_ = false;
  too_large_.clear();
  const auto output = settings_.answers ? Program::Output::answers : Program::Output::log;
  program_ = std::make_unique<Program>(host_, settings_, "handler", output);
  if (settings_.answers) greet();
}

// A program that takes long to load is ready when it says so; one that speaks something else is
// found before it has a message.
void ExecHandler::greet() try {
  progress_ = Clock::now();
  while (!has_greeting()) {
    const bool had_ended = has_ended_;
    const auto read = inbox_.read(program_->out());
    if (read == Inbox::Read::some) continue;
    if (read == Inbox::Read::at_end || had_ended)
      throw standpipe::disconnected(program_->how_it_ended() +
                                    "; it did not greet (`standpipe 1`, see PROTOCOL.md)");
    if (wait(false, settings_.start_timeout)) continue;
    std::string why = "the program did not greet within " + text_of(settings_.start_timeout) +
                      ": with answers: outcomes it prints `standpipe 1` first (see PROTOCOL.md)";
    if (!inbox_.bytes().empty()) why += "; it printed '" + shown(inbox_.bytes(), 60) + "'";
    throw standpipe::disconnected(why);
  }
} catch (const Nonsense& wrong) {
  throw standpipe::fatal(wrong.what());
}

bool ExecHandler::has_greeting() {
  Record record;
  const std::string first(inbox_.bytes().substr(0, 100));
  if (!reader_.next(inbox_, record)) return false;
  if (record.kind == Record::Kind::fatal) throw standpipe::fatal(std::string(record.reason));
  if (record.kind == Record::Kind::disconnected)
    throw standpipe::disconnected(std::string(record.reason));
  if (record.kind != Record::Kind::greeting)
    throw Nonsense(nonsense(first, "the greeting `standpipe 1`"));
  return true;
}

void ExecHandler::handle(Batch& batch) {
  const NoSigpipe now;
  batch.stop_at(0);
  settled_ = sent_ = 0;
  progress_ = Clock::now();
  if (!settings_.answers) return feed(batch);
  begin(batch);
  try {
    exchange(batch);
  } catch (const Nonsense& wrong) {
    fail(batch, wrong.what(), true);
  }
}

// ---- answers: outcomes

// The program may have the first messages already. If it has others, of a batch that comes later,
// what it says of them concerns nobody: they will be sent again.
void ExecHandler::begin(Batch& batch) {
  std::size_t same = 0;
  if (ahead_source_ == batch.source())
    while (same < std::min(ahead_.size(), batch.size()) && ahead_[same] == batch[same].sequence())
      ++same;
  if (same < std::min(ahead_.size(), batch.size()) || (same == 0 && !ahead_.empty())) {
    skipped_ += ahead_.size();
    ahead_.clear();
    same = 0;
  }
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(same));
  sent_ = same;
  outbox_.begin(batch, same);
}

void ExecHandler::exchange(Batch& batch) {
  bool is_deaf = false;
  for (;;) {
    if (!read_answers(batch) || settled_ == batch.size()) return leave(batch);
    const auto most = limit(batch);
    auto wrote = Outbox::Wrote::no_room;
    if (!is_deaf) wrote = outbox_.write(program_->in(), most);
    sent_ = std::max(sent_, outbox_.next());
    is_deaf = is_deaf || wrote == Outbox::Wrote::nobody_reads;  // it may have answers all the same
    const bool had_ended = has_ended_;
    const auto read = inbox_.read(program_->out());
    if (read == Inbox::Read::at_end) program_left(batch);
    if (read == Inbox::Read::some || wrote == Outbox::Wrote::some) progress_ = Clock::now();
    if (read == Inbox::Read::some) continue;
    if (had_ended) program_left(batch);
    if (!wait(!is_deaf && outbox_.has_some(most), settings_.timeout))
      fail(batch,
           is_deaf ? "the program closed its standard input"
                   : "the program gave no answer for " + text_of(settings_.timeout),
           true);
  }
}

// Up to which message the program may be given now.
std::size_t ExecHandler::limit(const Batch& batch) const {
  return is_suspect(batch, settled_) ? std::max(sent_, settled_ + 1) : batch.size();
}

bool ExecHandler::is_suspect(const Batch& batch, std::size_t i) const {
  return suspects_.last > 0 && suspects_.source == batch.source() &&
         batch[i].sequence() <= suspects_.last;
}

// Until something can be read, or written, or the program has ended. false: there was no progress
// for that long.
bool ExecHandler::wait(bool wants_to_write, nanoseconds most) {
  std::array<pollfd, 3> fds{{{program_->out(), POLLIN, 0},
                             {program_->ended_fd(), POLLIN, 0},
                             {wants_to_write ? program_->in() : -1, POLLOUT, 0}}};
  const auto left = spec_of(progress_ + most - Clock::now());
  const int found = ::ppoll(fds.data(), fds.size(), &left, nullptr);
  if (found > 0) has_ended_ = fds[1].revents != 0;
  return found != 0;
}

// false: there is no room for what it emits.
bool ExecHandler::read_answers(Batch& batch) {
  Record record;
  while (settled_ < batch.size() && reader_.next(inbox_, record)) {
    if (record.kind == Record::Kind::outcome)
      settle(batch, record);
    else if (record.kind != Record::Kind::emit)
      obey(record);
    else if (!emit(batch, record))
      return false;
  }
  return true;
}

void ExecHandler::obey(const Record& record) {
  const std::string reason(record.reason);
  if (record.kind == Record::Kind::disconnected)
    throw standpipe::disconnected(reason.empty() ? "the program says so" : reason);
  if (record.kind == Record::Kind::fatal)
    throw standpipe::fatal(reason.empty() ? "the program says so" : reason);
  throw Nonsense("it greeted twice, or wants to resume, which a source does");
}

void ExecHandler::settle(Batch& batch, const Record& record) {
  const auto of_nobody = std::min(record.count, skipped_);
  skipped_ -= of_nobody;
  const auto count = record.count - of_nobody;
  if (count > sent_ - settled_)
    throw Nonsense("it answered " + counted(count) + " and had " + counted(sent_ - settled_));
  inbox_.mark();
  if (count == 0) return;
  if (record.outcome != Outcome::delivered)
    for (auto i = settled_; i < settled_ + count; ++i) {
      batch.settle(i, record.outcome);
      if (!record.reason.empty()) batch.reason(i, record.reason);
    }
  if (!too_large_.empty()) {
    batch.settle(settled_, Outcome::reject);
    batch.reason(settled_, too_large_);
    too_large_.clear();
  }
  settled_ += count;
  batch.stop_at(settled_);
  if (!is_suspect(batch, settled_ - 1)) suspects_ = {};
}

bool ExecHandler::emit(Batch& batch, const Record& record) {
  if (skipped_ > 0) {
    inbox_.mark();
    return true;
  }
  if (settled_ == sent_) throw Nonsense("it made a message of none: each has its outcome already");
  if (inbox_.marked() > kEmitsMost * settings_.message_max)
    throw Nonsense("it made more than " + std::to_string(kEmitsMost) +
                   " times max_message_size of one message");
  read_pairs(record.meta, pairs_);
  const standpipe::Meta meta{std::span<const standpipe_pair>(pairs_)};
  const auto put = host_.emit(batch, settled_, record.payload, meta);
  if (put == standpipe::Put::too_large)
    too_large_ = standpipe::Host::too_large(record.payload, meta);
  if (put != standpipe::Put::full) return true;
  inbox_.rewind();
  too_large_.clear();
  return false;
}

void ExecHandler::leave(Batch& batch) {
  std::vector<std::uint64_t> sequences;
  for (auto i = settled_; i < sent_; ++i) sequences.push_back(batch[i].sequence());
  ahead_.insert(ahead_.begin(), sequences.begin(), sequences.end());
  ahead_source_ = batch.source();
  outbox_.leave();
}

void ExecHandler::program_left(Batch& batch) {
  const auto why = program_->how_it_ended();
  fail(batch, why, !program_->has_ended() || program_->crashed());
}

// What had no outcome is redelivered. A message that was alone in the program is known to be the
// one; an end that the program chose itself is an outage, which is no message's fault.
void ExecHandler::fail(Batch& batch, const std::string& why, bool is_to_blame) {
  program_->kill();
  const auto open = sent_ - settled_;
  const bool is_alone = open == 1 && ahead_.empty() && skipped_ == 0;
  if (open > 0) suspects_ = {std::string(batch.source()), batch[sent_ - 1].sequence()};
  if (is_alone && is_to_blame) {
    batch.settle(settled_, Outcome::retry);
    batch.reason(settled_, why);
    ++settled_;
  }
  batch.stop_at(settled_);
  outbox_.clear();
  throw standpipe::disconnected(open > 1 ? why + "; " + counted(open) + " had no outcome" : why);
}

// ---- answers: none

// Waits until the program has read all of it: then what it leaves unread when it ends is of this
// batch, and is redelivered. Nothing tells when a pipe is empty, so it is asked, at first often.
void ExecHandler::feed(Batch& batch) {
  outbox_.begin(batch, 0);
  nanoseconds pause = kAskFirst;
  for (;;) {
    const bool had_ended = has_ended_ || program_->has_ended();
    const auto wrote = outbox_.write(program_->in(), batch.size());
    const auto before = std::exchange(read_, count_read());
    settled_ = outbox_.messages_within(read_);
    batch.stop_at(settled_);
    if (settled_ == batch.size()) return outbox_.leave();
    if (had_ended || wrote == Outbox::Wrote::nobody_reads) {
      outbox_.clear();
      throw standpipe::disconnected(program_->how_it_ended() + "; it left " +
                                    counted(batch.size() - settled_) + " unread");
    }
    if (read_ > before || wrote == Outbox::Wrote::some) {
      progress_ = Clock::now();
      pause = kAskFirst;
    }
    wait_for_reader(outbox_.has_some(batch.size()), pause);
    pause = std::min<nanoseconds>(2 * pause, kAskMost);
    if (Clock::now() < progress_ + settings_.timeout) continue;
    program_->kill();
    throw standpipe::disconnected("the program read nothing for " + text_of(settings_.timeout));
  }
}

void ExecHandler::wait_for_reader(bool wants_to_write, nanoseconds pause) {
  std::array<pollfd, 2> fds{
      {{program_->ended_fd(), POLLIN, 0}, {wants_to_write ? program_->in() : -1, POLLOUT, 0}}};
  const auto left = spec_of(wants_to_write ? std::max<nanoseconds>(pause, kAskMost) : pause);
  (void)::ppoll(fds.data(), fds.size(), &left, nullptr);
}

// Bytes of all that was written which the program has taken out of its pipe, dead or alive.
std::uint64_t ExecHandler::count_read() const {
  int unread = 0;
  if (::ioctl(program_->in(), FIONREAD, &unread) != 0)
    throw standpipe::disconnected("cannot ask for what the program has not read: " +
                                  common::error_text(errno));
  return outbox_.written() - static_cast<std::uint64_t>(unread);
}

// ---- between messages

std::optional<nanoseconds> ExecHandler::tick() {
  if (program_->has_ended()) throw standpipe::disconnected(program_->how_it_ended());
  return kTick;
}

void ExecHandler::close() {
  if (program_) program_->end(settings_.stop_timeout, Program::kTermPatience);
  program_.reset();
}
