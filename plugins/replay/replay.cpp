// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "records.h"

namespace {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;
using Woken = standpipe::Poll::Woken;
using Found = Records::Found;

constexpr auto kLateMost = std::chrono::seconds(1);  // more is no jitter: then all moves on
constexpr auto kProgressEvery = std::chrono::seconds(1);
constexpr std::uint64_t kRecordsALook = 64;  // a clock costs about as much as a record
constexpr std::uint64_t kWarningsMost = 5;   // of one opening

// Brings what a log handler has written, once more. Where it is, is the offset behind the last
// record that the hub has; the number of that record is for `from` and `to`.
class Replay {
 public:
  static void describe(standpipe::Description& d);
  explicit Replay(const standpipe::Options& options);
  void open(std::string_view resume);
  void poll(standpipe::Poll& poll);
  void close() { records_.close(); }

 private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t number = 0;  // records before it
    bool operator==(const Place&) const = default;
  };
  // A time of the file, and when it was played.
  struct Anchor {
    nanoseconds then;
    Clock::time_point now;
  };

  Place place_of(std::string_view resume) const;
  void bring(standpipe::Poll& poll);
  bool find_next();
  void begin_round();
  void finish();
  bool is_due(const standpipe::Poll& poll);
  Clock::time_point due_at(nanoseconds time);
  bool put(standpipe::Poll& poll);
  void pass() { place_ = {records_.end(), place_.number + 1}; }
  void skip(std::string_view why);
  void tell_progress();

  standpipe::Host host_;
  std::string path_;
  Records records_;
  double speed_;  // 0: as fast as it is taken
  std::uint64_t from_, to_;
  bool loops_;

  Place place_;
  bool has_next_ = false;  // in records_, to be put
  bool is_over_ = false;
  std::optional<Anchor> anchor_;
  std::uint64_t looked_at_ = 0;  // records, in this poll
  std::uint64_t in_round_ = 0;   // messages
  std::uint64_t brought_ = 0;    // since it was opened
  std::uint64_t damaged_ = 0;    // likewise
  Clock::time_point tell_at_;
};

double speed_of(const std::string& text) {
  if (text == "max") return 0;
  double speed = 0;
  const auto* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, speed);
  if (error == std::errc() && last == end && speed >= 0.001 && speed <= 1e6) return speed;
  throw standpipe::fatal("speed: '" + text +
                         "' is none; write a factor from 0.001 to 1000000, as 1.0 for the original "
                         "timing, or max");
}

Records::Format format_of(const std::string& name) {
  return name == "frames" ? Records::Format::frames : Records::Format::jsonl;
}

Replay::Replay(const standpipe::Options& options)
    : host_(options.host()),
      path_(options.text("path")),
      records_(path_, format_of(options.text("format")), options.text("trust") == "others"),
      speed_(speed_of(options.text("speed"))),
      from_(static_cast<std::uint64_t>(options.integer("from"))),
      to_(static_cast<std::uint64_t>(options.integer("to"))),
      loops_(options.boolean("loop")) {
  if (to_ != 0 && to_ < from_)
    throw standpipe::fatal("to: it is before from, so there is nothing to replay");
}

void Replay::open(std::string_view resume) {
  place_ = place_of(resume);
  records_.open(place_.offset);
  if (place_.offset > records_.size()) {
    host_.warning(path_ + " is shorter than where its replay had come (" +
                  std::to_string(records_.size()) + " of " + std::to_string(place_.offset) +
                  " bytes): it is another file, and is replayed from its beginning");
    place_ = {};
    records_.open(0);
  }
  has_next_ = is_over_ = false;
  anchor_.reset();
  in_round_ = brought_ = damaged_ = 0;
  tell_at_ = Clock::now() + kProgressEvery;
}

Replay::Place Replay::place_of(std::string_view resume) const {
  Place place;
  if (resume.empty()) return place;
  const auto* const end = resume.data() + resume.size();
  const auto offset = std::from_chars(resume.data(), end, place.offset);
  if (offset.ec == std::errc() && offset.ptr != end && *offset.ptr == ' ') {
    const auto number = std::from_chars(offset.ptr + 1, end, place.number);
    if (number.ec == std::errc() && number.ptr == end) return place;
  }
  throw standpipe::fatal("its place in the hub's state is '" + std::string(resume) +
                         "', and not an offset and a number: it was another plugin's");
}

void Replay::poll(standpipe::Poll& poll) {
  const auto before = place_;
  const auto keep_place = [&] {
    if (place_ != before)
      poll.resume(std::to_string(place_.offset) + ' ' + std::to_string(place_.number));
  };
  looked_at_ = 0;
  try {
    if (!is_over_) bring(poll);
  } catch (const std::exception&) {  // the disk: what was put before is committed
    keep_place();
    throw;
  }
  keep_place();
  tell_progress();
  if (is_over_) (void)poll.wait(Clock::time_point::max());
}

void Replay::bring(standpipe::Poll& poll) {
  while (poll.has_credit()) {
    if (++looked_at_ % kRecordsALook == 0 && Clock::now() >= poll.deadline()) return;
    if (!has_next_ && !find_next()) continue;
    if (is_over_ || !is_due(poll) || !put(poll)) return;
  }
}

// true: has_next_, or it is over. false: the record was none to be brought.
bool Replay::find_next() {
  if (to_ != 0 && place_.number >= to_) {
    begin_round();
    return is_over_;
  }
  const auto found = records_.next();
  if (found == Found::damaged_end) skip(records_.why());
  if (found == Found::end || found == Found::damaged_end) {
    begin_round();
    return is_over_;
  }
  has_next_ = found == Found::record && place_.number + 1 >= from_;
  if (has_next_) return true;
  if (found == Found::damaged) skip(records_.why());
  pass();
  return false;
}

// A round that brought nothing is no reason for another one.
void Replay::begin_round() {
  if (!loops_ || in_round_ == 0) return finish();
  place_ = {};
  records_.open(0);
  anchor_.reset();
  in_round_ = 0;
}

void Replay::finish() {
  is_over_ = true;
  host_.info("replayed " + path_ + ": " + std::to_string(brought_) +
             (brought_ == 1 ? " message" : " messages") +
             (damaged_ == 0 ? "" : ", " + std::to_string(damaged_) + " damaged left out"));
}

bool Replay::is_due(const standpipe::Poll& poll) {
  const auto& time = records_.record().time;
  if (speed_ == 0 || !time) return true;
  const auto due = due_at(*time);
  return due <= Clock::now() || poll.wait(due) == Woken::due;
}

// What is late by far, since the hub had no room or the machine slept, moves all that comes after
// it: the pauses between messages stay what they were. Times that go back are no pause.
Clock::time_point Replay::due_at(nanoseconds time) {
  const auto now = Clock::now();
  if (!anchor_) anchor_ = Anchor{time, now};
  const auto after = static_cast<double>((time - anchor_->then).count()) / speed_;
  constexpr double kMost = 1e18;  // 31 years
  const auto due =
      anchor_->now + nanoseconds(static_cast<std::int64_t>(std::clamp(after, 0., kMost)));
  if (now - due > kLateMost || time < anchor_->then) anchor_ = Anchor{time, now};
  return std::min(due, Clock::time_point::max());
}

// false: there is no room for it.
bool Replay::put(standpipe::Poll& poll) {
  const auto& record = records_.record();
  std::vector<standpipe::Pair> meta;
  for (const auto& [name, value] : record.meta) meta.emplace_back(name, value);
  const auto put = poll.put(record.payload, meta);
  if (put == standpipe::Put::full) return false;
  if (put == standpipe::Put::too_large) {
    skip(standpipe::Host::too_large(record.payload, meta));
  } else {
    ++brought_;
    ++in_round_;
  }
  has_next_ = false;
  pass();
  return true;
}

void Replay::skip(std::string_view why) {
  if (++damaged_ > kWarningsMost) return;
  host_.warning(path_ + ": record " + std::to_string(place_.number + 1) + " at byte " +
                std::to_string(records_.begin()) + " is left out: " + std::string(why) +
                (damaged_ == kWarningsMost ? "; further ones are only counted" : ""));
}

void Replay::tell_progress() {
  const auto now = Clock::now();
  if (is_over_ || now < tell_at_ || records_.size() == 0) return;
  tell_at_ = now + kProgressEvery;
  const auto percent = static_cast<std::uint64_t>(100.0 * static_cast<double>(place_.offset) /
                                                  static_cast<double>(records_.size()));
  host_.info("replaying " + path_ + ": " + std::to_string(std::min<std::uint64_t>(percent, 100)) +
             " %, " + std::to_string(brought_) + " messages");
}

void Replay::describe(standpipe::Description& d) {
  d.name("replay").version("1.0").summary("brings the messages of a log once more");
  d.documentation(
      "Reads a file that the log handler wrote, in format jsonl or frames, and brings each record\n"
      "as a message: the same bytes, and in jsonl the same metadata. Its sequence and its time\n"
      "are new, as those of any message that is accepted.\n"
      "\n"
      "With jsonl, messages come with the pauses between them that their times say, divided by\n"
      "speed: 1.0 is the original timing, 10 is ten times as fast, max is as fast as they are\n"
      "taken. frames have no times: they come as fast as they are taken. When the hub had no\n"
      "room for more than a second, all that follows moves on by that.\n"
      "\n"
      "The hub keeps the offset behind the last message together with the messages. So after a\n"
      "stop, or any death, the replay goes on there: no message is missing, none is there twice.\n"
      "At the file's end it is quiet; what was appended by then is brought when the hub starts\n"
      "the next time. A file that is shorter than where the replay had come is another one, and\n"
      "begins anew.\n"
      "\n"
      "A line that is no record, or longer than 64 MiB, and a message that the hub is configured\n"
      "not to take are left out, with a warning that has its number and its offset. In frames,\n"
      "a length that cannot be ends the replay, since nothing says where the next one begins; so\n"
      "does, in either format, a record that the file's end truncates. The hub's log says the\n"
      "progress once a second.");
  d.option("path").path().required().example("/var/log/orders.jsonl").summary("the file");
  d.option("format")
      .one_of({"jsonl", "frames"})
      .fallback("jsonl")
      .summary("how a message lies in the file, as the log handler has it");
  d.option("speed").text().fallback("1.0").example("max").summary(
      "how many times as fast as the messages came then, or max");
  d.option("from").integer().fallback("1").minimum("1").unit("records").summary(
      "the number of the first record to bring, from 1");
  d.option("to").integer().fallback("0").minimum("0").unit("records").summary(
      "the number of the last one; 0: the file's last");
  d.option("loop").boolean().fallback("false").summary("begin anew at the end, for ever");
  d.option("trust")
      .one_of({"self", "others"})
      .fallback("self")
      .summary("others: use the path even where other users could have put something in its place");
}

}  // namespace

STANDPIPE_PLUGIN(Replay)
