// SPDX-License-Identifier: Apache-2.0
#include "worker/replays.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/text.h"
#include "worker/event_key.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kRetryRemoval = 5s;   // after a failure of the disk
constexpr Nanoseconds kRetryRoom = 20ms;    // while memory is short
constexpr Nanoseconds kRemovalMost = 2s;    // that the hub's end waits for the disk
constexpr std::size_t kFedTogether = 1024;  // of one source and handler, in a round

template <class Named>
std::optional<std::size_t> find_named(const Named& all, std::string_view name) {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i] == name) return i;
  return std::nullopt;
}

}  // namespace

Replays::Replays(EventLoop& loop, Foundation& foundation, SourceTable& sources,
                 HandlerTable& handlers, DeliveryTable& deliveries, Data& data, const Clock& clock,
                 Reporter& reporter)
    : loop_(loop),
      foundation_(foundation),
      sources_(sources),
      handlers_(handlers),
      deliveries_(deliveries),
      data_(data),
      clock_(clock),
      reporter_(reporter),
      record_(foundation.memory(), "replays") {
  foundation_.memory().commit();
}

// ---- the beginning of a worker

Replay& Replays::make(std::size_t source, std::size_t handler, std::uint32_t slot) {
  auto& of = sources_[source];
  auto* inlet = of.inlet.get();
  auto& replay = *of.replays.emplace_back(std::make_unique<Replay>(
      ReplayOptions{.source = inlet->name(),
                    .handler = handlers_[handler].name(),
                    .slot = slot,
                    .message_size_max = inlet->message_size_max()},
      foundation_.arena(), record_->made, [inlet](std::int64_t messages, std::int64_t bytes) {
        inlet->count_replayed(messages, bytes);
      }));
  sources_.add_log(replay.log(), source);
  auto& delivery = handlers_[handler].add(replay.take_delivery());
  delivery.comes_from(inlet->has_fifo() ? inlet->fifo().path() : "");
  deliveries_.add(replay.delivery_id(), delivery, handler);
  foundation_.memory().commit();
  return replay;
}

void Replays::make_again() {
  for (std::size_t i = 0; i < sources_.size(); ++i)
    for (const auto& handler : foundation_.directory().replays_of(sources_[i].inlet->name()))
      for (std::size_t h = 0; h < handlers_.size(); ++h)
        if (handlers_[h].name() == handler)
          make(i, h,
               *foundation_.directory().find(
                   state::Kind::replay, state::delivery_name(sources_[i].inlet->name(), handler)));
}

void Replays::recover() {
  for (auto* replay : all()) replay->recover();
}

std::vector<Replay*> Replays::all() const {
  std::vector<Replay*> all;
  for (const auto& source : sources_)
    for (const auto& replay : source.replays) all.push_back(replay.get());
  return all;
}

// ---- what a person wants

std::uint64_t Replays::begin(const deliver::LetterFilter& filter, Nanoseconds interval) {
  if (record_->stage == running)
    throw Failure("dead letters are being replayed already",
                  "wait until that is over, or end it: standpipe dead replay --cancel");
  if (record_->stage == stopping)
    throw Failure("a replay is being ended: " +
                      counted(sum_of(&Replay::in_hand), "message of it is", "messages of it are") +
                      " still with their handlers",
                  "try again when those are through with them");
  const auto text = filter.text();
  if (text.size() > sizeof(Record::filter))
    throw Failure("the filter is too long", "name fewer letters at once");
  data_.letters().begin_replay();
  for (auto* replay : all()) replay->begin_counting();
  auto& record = record_.edit();
  ++record.number;
  record.stage = running;
  record.last_file = 0;
  record.interval_ns = static_cast<std::uint64_t>(interval.count());
  record.filter_bytes = text.size();
  std::memcpy(record.filter, text.data(), text.size());
  foundation_.memory().commit();
  left_.clear();
  is_begun_ = false;
  wants_ = true;
  return record_->number;
}

void Replays::cancel() {
  if (record_->stage != running && record_->stage != stopping)
    throw Failure("no dead letters are being replayed");
  record_.part(&Record::stage).edit() = stopping;
  foundation_.memory().commit();
  wants_ = true;
}

deliver::LetterFilter Replays::filter() const {
  return deliver::LetterFilter::parse({record_->filter, record_->filter_bytes})
      .value_or(deliver::LetterFilter());
}

std::uint64_t Replays::sum_of(std::uint64_t (Replay::*what)() const) const {
  std::uint64_t sum = 0;
  for (const auto* replay : all()) sum += (replay->*what)();
  return sum;
}

std::uint64_t Replays::left() const {
  std::uint64_t sum = 0;
  for (const auto& [why, letters] : left_) sum += letters;
  return sum;
}

std::string Replays::progress(std::string_view number) const {
  if (record_->number == 0 || std::to_string(record_->number) != number)
    throw Failure("nothing is known of the replay " + quoted(number) +
                  ": the hub has ended since, or another replay was begun");
  constexpr const char* kNames[] = {"none", "running", "stopping", "done", "cancelled"};
  std::string text = is_ending_ ? "ending" : kNames[record_->stage];
  for (const auto count :
       {sum_of(&Replay::delivered), sum_of(&Replay::refused), left(), sum_of(&Replay::in_hand)})
    text += ' ' + std::to_string(count);
  text += '\n';
  for (const auto& [why, letters] : left_) text += std::to_string(letters) + '\t' + why + '\n';
  return text;
}

// ---- the loop

void Replays::round(bool feeds) {
  wants_ = false;
  const auto stage = record_->stage;
  if (stage != running && stage != stopping) return;
  for (auto* replay : all()) replay->trim();
  remove_passed();
  if (!is_begun_) begin_survey();
  take_survey();
  for (auto& part : parts_) advance(part, feeds);
  end_if_over();
}

template <class Of, class Work>
void Replays::post(const std::shared_ptr<Of>& job, Work work) {
  job->is_done = false;
  data_.letters().post([job, work, &loop = loop_](deliver::DeadLetters& letters) {
    try {
      work(*job, letters);
    } catch (const Failure& failure) {
      job->failure = failure;
    }
    job->is_done = true;
    loop.wake();
  });
}

// Also of one that an earlier worker was at: then letters that are with their handlers now are left
// out. One that is being ended needs none of this.
void Replays::begin_survey() {
  is_begun_ = true;
  parts_.clear();
  left_.clear();
  pace_ = ReplayPace(Nanoseconds(static_cast<std::int64_t>(record_->interval_ns)));
  if (record_->stage == stopping) {
    for (auto* replay : all())
      parts_.push_back({.replay = replay,
                        .handler = deliveries_.handler_with(replay->delivery_id()),
                        .unread = 0,
                        .reading = nullptr,
                        .is_read = true});
    return;
  }
  try {
    data_.letters().begin_replay();  // an earlier worker's thread knew it
  } catch (const Failure&) {         // that purge is of this worker, and so is the replay: not both
  }
  survey_ = std::make_shared<Survey>();
  survey_->last_file = record_->last_file;
  continue_survey();
}

void Replays::continue_survey() {
  std::unordered_set<std::uint64_t> open;
  if (!survey_->selection)
    for (const auto* replay : all()) open.merge(replay->open_letters());
  post(survey_, [folder = data_.path(), filter = filter(), open = std::move(open)](
                    Survey& survey, deliver::DeadLetters& letters) {
    if (survey.last_file == 0) survey.last_file = letters.close_all();
    if (!survey.selection) survey.selection.emplace(folder, filter, survey.last_file, open);
    for (const auto& letter : survey.selection->next_names())
      ++survey.found[{letter.source, letter.handler}];
    survey.is_over = survey.selection->is_over();
  });
}

void Replays::take_survey() {
  if (!survey_ || !survey_->is_done) return;
  if (record_->last_file == 0) {
    record_.part(&Record::last_file).edit() = survey_->last_file;
    foundation_.memory().commit();
  }
  if (record_->stage == stopping) {
    survey_.reset();
    return begin_survey();
  }
  if (!survey_->failure && !survey_->is_over) return continue_survey();
  const auto survey = std::exchange(survey_, nullptr);
  if (survey->failure) {
    const auto what = std::string("some cannot be read: ") + survey->failure->what();
    reporter_.error("dead-letters", what, survey->failure->help());
    leave(what, 1);
  }
  for (const auto& [of, letters] : survey->found) add_part(of.first, of.second, letters);
  for (auto* replay : all()) {  // what an earlier worker had begun, and there is no more of
    const auto has_it = [&](const auto& part) { return part.replay == replay; };
    if (std::none_of(parts_.begin(), parts_.end(), has_it) && replay->is_busy())
      parts_.push_back({.replay = replay,
                        .handler = deliveries_.handler_with(replay->delivery_id()),
                        .unread = 0,
                        .reading = nullptr,
                        .is_read = true});
  }
}

// Why letters of them stay; empty: they can be replayed.
std::string Replays::obstacle(const std::string& source, const std::string& handler) const {
  std::vector<std::string> names;
  for (const auto& s : sources_) names.push_back(s.is_departed ? "" : s.inlet->name());
  if (!find_named(names, source)) return "there is no source " + source + " any more";
  names.clear();
  for (const auto& h : handlers_.all()) names.push_back(h->departed() ? "" : h->name());
  const auto found = find_named(names, handler);
  if (!found) return "there is no handler " + handler + " any more";
  const auto& it = handlers_[*found];
  if (it.options().rejects_for == deliver::Reason::no_route)
    return "no route wanted them, so there is no handler that refused them";
  if (it.held()) return "handler " + handler + " is held: " + it.held_for();
  return {};
}

void Replays::add_part(const std::string& source, const std::string& handler,
                       std::uint64_t letters) try {
  if (const auto why = obstacle(source, handler); !why.empty()) return leave(why, letters);
  std::size_t i = 0, h = 0;
  while (sources_[i].inlet->name() != source) ++i;
  while (handlers_[h].name() != handler) ++h;
  auto& mine = sources_[i].replays;
  const auto found = std::find_if(mine.begin(), mine.end(),
                                  [&](const auto& replay) { return replay->handler() == handler; });
  Replay* replay = found == mine.end() ? nullptr : found->get();
  if (!replay) {
    const auto slot =
        foundation_.directory().slot(state::Kind::replay, state::delivery_name(source, handler));
    ++record_.part(&Record::made).edit();
    foundation_.memory().commit();
    replay = &make(i, h, slot);
  }
  auto only = filter();
  only.sources = {source};
  only.handlers = {handler};
  parts_.push_back(
      {.replay = replay,
       .handler = h,
       .unread = letters,
       .reading = std::make_shared<Reading>(deliver::LetterSelection(
           data_.path(), std::move(only), record_->last_file, replay->open_letters()))});
} catch (const Failure& failure) {
  leave(failure.what() + (failure.help().empty() ? "" : ": " + failure.help()), letters);
}

void Replays::leave(const std::string& why, std::uint64_t letters) {
  if (letters > 0) left_[why] += letters;
}

// ---- a part

void Replays::read(Part& part) {
  part.reads = true;
  post(part.reading,
       [](Reading& reading, deliver::DeadLetters&) { reading.letters = reading.selection.next(); });
}

void Replays::take_reading(Part& part) {
  if (!part.reads || !part.reading->is_done) return;
  part.reads = false;
  if (part.reading->failure) {
    part.is_read = true;
    return leave(part.reading->failure->what(), std::exchange(part.unread, 0));
  }
  part.letters = std::move(part.reading->letters);
  part.next = 0;
  part.unread -= std::min<std::uint64_t>(part.unread, part.letters.size());
  part.is_read = part.is_read || part.reading->selection.is_over();
  if (part.is_read) part.unread = 0;  // limits may have removed some since
}

void Replays::advance(Part& part, bool feeds) {
  take_reading(part);
  if (part.given_up.empty()) {
    const auto& handler = handlers_[part.handler];
    if (record_->stage == stopping)
      give_up(part, "the replay was ended");
    else if (handler.departed())
      give_up(part, "there is no handler " + handler.name() + " any more");
    else if (handler.held())
      give_up(part, "handler " + handler.name() + " is held: " + handler.held_for());
  }
  if (!part.given_up.empty()) return take_back(part);
  if (!feeds) return;
  if (feed(part)) wants_ = true;
  if (part.next == part.letters.size() && !part.is_read && !part.reads) read(part);
}

void Replays::give_up(Part& part, const std::string& why) {
  part.given_up = why;
  leave(why, part.letters.size() - part.next + std::exchange(part.unread, 0));
  part.letters.clear();
  part.next = 0;
  part.is_read = true;
}

// What is not in a call comes back, also from outputs that nobody reads.
void Replays::take_back(Part& part) {
  part.letters.clear();  // a piece may have come since
  auto& handler = handlers_[part.handler];
  if (part.replay->in_hand() == 0 || handler.in_call()) return;
  auto messages = part.replay->withdraw();
  if (part.replay->in_hand() > 0) {
    for (auto* output : handler.outputs()) (void)output->recall();
    messages += part.replay->withdraw();
  }
  if (messages == 0) return;
  leave(part.given_up, messages);
  wants_ = true;
}

// true: there may be more to do at once.
bool Replays::feed(Part& part) {
  while (part.next < part.letters.size() && part.replay->is_too_large(part.letters[part.next])) {
    leave("larger than a message of source " + part.replay->source() + " may be", 1);
    ++part.next;
  }
  if (part.next == part.letters.size()) return false;
  const auto most = std::min(pace_.allowed(loop_.now()), kFedTogether);
  auto until = part.letters.begin() + static_cast<std::ptrdiff_t>(part.next);
  while (until != part.letters.end() && !part.replay->is_too_large(*until)) ++until;
  const std::span ready(part.letters.begin() + static_cast<std::ptrdiff_t>(part.next), until);
  const auto wall = static_cast<std::uint64_t>(clock_.wall().count());
  const auto fed = most == 0 ? 0 : part.replay->feed(ready, most, wall);
  part.next += fed;
  if (most > 0 && fed == 0) {  // what is passed, or given back, makes room
    if (part.replay->log().waits_for_arena())
      loop_.set_timer(key(kReplay), loop_.now() + kRetryRoom);
    return false;
  }
  if (pace_.limits()) {
    pace_.fed(fed, loop_.now());
    loop_.set_timer(key(kReplay), pace_.ask_again(loop_.now()));
  }
  if (fed == 0) return false;
  handlers_.wake(part.handler);
  data_.checkpoint_timer().note_change();
  return !pace_.limits() || part.next == part.letters.size();
}

// ---- messages that are final

void Replays::remove_passed() {
  if (removal_ && removal_->is_done) {
    const auto removal = std::exchange(removal_, nullptr);
    if (removal->failure) {
      reporter_.warning("dead-letters", removal->failure->what(), removal->failure->help());
      removal_retry_ = loop_.now() + kRetryRemoval;
      loop_.set_timer(key(kReplay), removal_retry_);
    } else {
      for (const auto& [replay, passed] : removal->passed) replay->gone(passed);
    }
  }
  if (removal_ || (removal_retry_ && loop_.now() < *removal_retry_)) return;
  removal_retry_.reset();
  auto removal = std::make_shared<Removal>();
  for (auto* replay : all()) {
    if (!replay->has_passed()) continue;
    auto passed = replay->passed();
    if (passed.letters.empty()) {
      replay->gone(passed);
      continue;
    }
    removal->letters.insert(removal->letters.end(), passed.letters.begin(), passed.letters.end());
    removal->passed.emplace_back(replay, std::move(passed));
  }
  if (removal->letters.empty()) return;
  removal_ = removal;
  post(removal, [](Removal& job, deliver::DeadLetters& letters) {
    job.failure = letters.leave_out(job.letters);
  });
}

// Files are written anew once, when all is over.
void Replays::end_if_over() {
  if (survey_ || removal_) return;
  const auto is_over = [](const Part& part) {
    return part.is_read && !part.reads && part.next == part.letters.size() &&
           !part.replay->is_busy();
  };
  if (!std::all_of(parts_.begin(), parts_.end(), is_over)) return;
  if (!compaction_) {
    compaction_ = std::make_shared<Job>();
    compaction_->is_done = false;
    return data_.letters().compact([job = compaction_, &loop = loop_](auto failure) {
      job->failure = std::move(failure);
      job->is_done = true;
      loop.wake();
    });
  }
  if (!compaction_->is_done) return;
  const auto compaction = std::exchange(compaction_, nullptr);
  if (compaction->failure)
    reporter_.warning(
        "dead-letters",
        std::string("letters that were delivered still take room: ") + compaction->failure->what(),
        compaction->failure->help());
  end(record_->stage == stopping ? cancelled : done);
}

void Replays::end(Stage how) {
  record_.part(&Record::stage).edit() = how;
  foundation_.memory().commit();
  data_.letters().end_replay();
  reporter_.info("dead letters were replayed" +
                 std::string(how == cancelled ? ", until a person ended that: " : ": ") +
                 thousands(sum_of(&Replay::delivered)) + " delivered, " +
                 thousands(sum_of(&Replay::refused)) + " refused again, " + thousands(left()) +
                 " left");
  parts_.clear();
}

// ---- the end

// What was passed and cannot be removed now, because the disk stands still, comes again with the
// next replay.
void Replays::finish() {
  if (record_->stage != running && record_->stage != stopping) return;
  const auto until = clock_.steady() + kRemovalMost;
  while (removal_ && !removal_->is_done && clock_.steady() < until)
    std::this_thread::sleep_for(1ms);
  const bool works = !removal_ || removal_->is_done;
  for (auto* replay : all()) {
    replay->trim();
    const auto passed = replay->passed();
    if (works && !passed.letters.empty()) {
      if (const auto failure = data_.letters().leave_out(passed.letters))
        reporter_.warning("dead-letters", failure->what(), failure->help());
      else
        replay->gone(passed);
    }
    if (const auto messages = replay->withdraw())
      reporter_.info(replay->source() + " -> " + replay->handler() + ": " +
                     counted(messages, "replayed message") + " could not be delivered: " +
                     (messages == 1 ? "it stays" : "they stay") + " among the dead letters");
  }
}

void Replays::check_invariants() const {
  for (const auto* replay : all()) replay->check_invariants();
}

}  // namespace standpipe::worker
