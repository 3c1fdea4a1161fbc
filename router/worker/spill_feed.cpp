// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_feed.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/failure.h"
#include "base/opening.h"
#include "base/text.h"
#include "deliver/remaining.h"

namespace standpipe::worker {

using deliver::SpillReader;
using deliver::SpillWriter;

namespace {

void check(std::optional<Failure> failure) {
  if (failure) throw std::move(*failure);
}

}  // namespace

SpillFeed::SpillFeed(log::Memory& memory, const std::string& data_dir, const std::string& source, std::vector<std::string> handlers,
                     bool goes_on, Reporter& reporter, std::uint64_t overflow)
    : memory_(memory),
      data_dir_(data_dir),
      source_(source),
      handlers_(std::move(handlers)),
      reporter_(reporter),
      kept_(memory, "spill/" + source) {
  memory_.commit();
  try {
    find(goes_on, overflow);
  } catch (const Failure& failure) {
    reporter_.error("spill", source_ + ": what an earlier run saved cannot be found: " + failure.what(), failure.help());
  }
}

// The files of an earlier run, and how far an earlier worker of this one was with them.
void SpillFeed::find(bool goes_on, std::uint64_t overflow) {
  std::uint64_t messages = 0;
  bool is_counted = true;
  for (const auto& path : SpillReader::find(data_dir_, source_)) {
    const auto number = SpillReader::number_of(path);
    if (number == kept_->spill)
      spilled_ = path;
    else if (number == overflow)
      continue;
    else if (number < kept_->number)
      done_.push_back(path);
    else if (File file{path, number, {}}; open(file)) {
      messages += file.reader->written().value_or(0) - std::min(file.reader->served(), file.reader->written().value_or(0));
      is_counted &= file.reader->written().has_value();
      files_.push_back(std::move(file));
    }
  }
  if (!files_.empty() && !goes_on)
    reporter_.info(source_ + ": " + (is_counted ? counted(messages, "message") : std::string("messages")) +
                   " that an earlier run could not deliver " + (is_counted && messages == 1 ? "comes" : "come") + " first");
}

bool SpillFeed::open(File& file) try {
  file.reader.emplace(file.path);
  return true;
} catch (const Failure& failure) {
  put_by(file.path, failure);
  return false;
}

// It is kept for people, under a name by which it is not found again.
void SpillFeed::put_by(const std::string& path, const Failure& failure) {
  const auto name = path + ".unreadable";
  const paths::Entry entry(path, own_file());
  const bool moved = entry && entry.rename_to(name.substr(name.rfind('/') + 1)) == 0;
  reporter_.error("spill",
                  source_ + ": messages that an earlier run could not deliver cannot be read back: " + failure.what() +
                      "; they are left in " + (moved ? name : path),
                  failure.help());
}

// ---- serving

const SpillReader::Message* SpillFeed::front() {
  while (!ahead_ && !files_.empty())
    if (!read_on()) end_file();
  return ahead_ ? &*ahead_ : nullptr;
}

const SpillReader::Message* SpillFeed::take() try {
  ahead_ = files_.front().reader->next();
  return ahead_ ? &*ahead_ : nullptr;
} catch (const Failure&) {
  ahead_.reset();  // read_on meets it again
  return nullptr;
}

// To the message behind those that were fed. false: the file has no more.
bool SpillFeed::read_on() {
  auto& file = files_.front();
  if (kept_->number != file.number) {
    auto& kept = kept_.edit();
    kept.number = file.number;
    kept.fed = file.reader ? file.reader->served() : 0;
    memory_.commit();
  }
  try {
    if (!file.reader || file.reader->messages() > kept_->fed) file.reader.emplace(file.path);
    do {
      ahead_ = file.reader->next();
    } while (ahead_ && file.reader->messages() <= kept_->fed);
  } catch (const Failure& failure) {
    ahead_.reset();
    put_by(file.path, failure);
    files_.pop_front();
    return true;  // whatever is next
  }
  return ahead_.has_value();
}

void SpillFeed::end_file() {
  auto& file = files_.front();
  say_damage(*file.reader);
  done_.push_back(file.path);
  files_.pop_front();
}

void SpillFeed::say_damage(const SpillReader& reader) {
  if (!reader.is_damaged()) sound_.insert(reader.path());
  if (const auto damage = reader.damage(); !damage.empty())
    reporter_.error("spill",
                    source_ + ": " + damage + "; all else is served, and the file is kept then as " + reader.path() + ".damaged",
                    "look at the disk: dmesg says what it reported");
}

void SpillFeed::set_of(const SpillReader::Message& message, std::span<std::uint64_t> set) {
  std::fill(set.begin(), set.end(), 0);
  for (const auto& name : message.handlers) {
    const auto at = std::find(handlers_.begin(), handlers_.end(), name);
    const auto bit = static_cast<std::size_t>(at - handlers_.begin());
    if (at != handlers_.end())
      set[bit / 64] |= std::uint64_t{1} << bit % 64;
    else if (unknown_.insert(name).second)
      reporter_.warning("no_route", source_ + ": an earlier run left messages for " + name +
                                        ", to which no route leads any more: it does not get them");
  }
}

void SpillFeed::note_fed(std::uint64_t count, log::Cursor end) {
  auto& kept = kept_.edit();
  kept.fed += count;
  kept.skipped += end.position.bytes == kept.behind ? count : 0;
  kept.behind = end.position.bytes;
  kept.behind_number = end.sequence.number;
}

void SpillFeed::back() {
  ahead_.reset();
  if (!files_.empty()) files_.front().reader.reset();
}

void SpillFeed::passed(log::Position trimmed) {
  if (done_.empty() || trimmed.bytes < kept_->behind || (is_kept_ && !is_kept_())) return;
  for (const auto& path : done_) remove(path);
  done_.clear();
}

// What could not be read of it may be worth something to a person.
void SpillFeed::remove(const std::string& path) {
  const paths::Entry entry(path, own_file());
  const bool keeps = !sound_.contains(path) && is_damaged(path);
  int error = entry ? 0 : entry.problem().error;
  if (entry) error = keeps ? entry.rename_to(path.substr(path.rfind('/') + 1) + ".damaged") : entry.remove();
  if (error == 0 || error == ENOENT) return;
  const auto failure = Failure::system("delete " + path, error);
  reporter_.warning("spill", source_ + ": its messages are delivered, and would be again: " + failure.what(), "delete it");
}

bool SpillFeed::is_damaged(const std::string& path) try { return SpillReader(path).is_damaged(); } catch (const Failure&) {
  return false;  // it is not there
}

void SpillFeed::cut(log::Position end) {
  if (ended()) return;
  kept_.edit().cut = end.bytes + 1;
  memory_.commit();
  back();
}

// ---- the new one

SpillFeed::Spilled SpillFeed::spill(std::span<const deliver::Delivery* const> deliveries) try {
  Spilled result{.path = spilled_};
  if (!spilled()) {
    std::optional<SpillWriter> writer;
    result.unfed = copy(deliveries, writer);
    if (writer) {
      result.path = writer->path();
      kept_.edit().spill = SpillReader::number_of(result.path);
      memory_.commit();
      check(writer->finish());
      spilled_ = result.path;
    }
  }
  for (const auto& path : done_) remove(path);
  for (const auto& file : files_) remove(file.path);
  return result;
} catch (const Failure&) {
  if (!spilled()) mark_served(deliveries);
  throw;
}

// The old files stay, because there is no room for a new one: what was delivered of them must not come again. Where that is not
// known exactly (some were passed over), a message comes twice rather than not at all.
void SpillFeed::mark_served(std::span<const deliver::Delivery* const> deliveries) {
  auto lowest = kept_->behind_number;
  for (const auto* delivery : deliveries) lowest = std::min(lowest, delivery->settled().sequence.number);
  auto open = kept_->behind_number - lowest + kept_->skipped;  // fed, and not final
  const bool feeds = !files_.empty() && files_.front().number == kept_->number;
  if (feeds) leave(files_.front().path, kept_->fed, open);
  for (auto path = done_.rbegin(); path != done_.rend(); ++path) leave(*path, messages_of(*path), open);
}

// Of the first `fed` messages the last are open; as many of those as are in this file.
void SpillFeed::leave(const std::string& path, std::uint64_t fed, std::uint64_t& open) {
  const auto here = std::min(fed, open);
  open -= here;
  if (const auto failure = SpillReader::set_served(path, fed - here))
    reporter_.warning("spill", source_ + ": what was delivered of " + path + " comes again: " + failure->what(), failure->help());
}

std::uint64_t SpillFeed::messages_of(const std::string& path) try {
  return SpillReader(path).written().value_or(0);
} catch (const Failure&) {
  return 0;
}

// What was fed, what was not, and then what came from the FIFO behind the cut. Returns how many were not fed.
std::uint64_t SpillFeed::copy(std::span<const deliver::Delivery* const> deliveries, std::optional<SpillWriter>& writer) {
  std::optional<std::uint64_t> unfed;
  std::vector<std::string_view> names;
  deliver::Remaining rest(deliveries);
  while (const auto message = rest.next()) {
    if (!unfed && kept_->cut > 0 && message->at.position.bytes + 1 >= kept_->cut) unfed = copy_unfed(writer);
    names.clear();
    for (const auto i : message->wanted_by) names.push_back(handlers_[i]);
    check(begun(writer).add(message->at.sequence.number, message->accepted_ns, names, {&message->frame, 1}));
  }
  return unfed ? *unfed : copy_unfed(writer);
}

std::uint64_t SpillFeed::copy_unfed(std::optional<SpillWriter>& writer) {
  std::uint64_t copied = 0;
  back();
  std::vector<std::string_view> names;
  auto skip = !files_.empty() && files_.front().number == kept_->number ? kept_->fed : 0;
  for (const auto& file : files_) {
    SpillReader reader(file.path);
    while (const auto message = reader.next()) {
      if (reader.messages() <= skip) continue;
      names.assign(message->handlers.begin(), message->handlers.end());
      check(begun(writer).add(message->sequence, message->accepted_ns, names, {&message->frame, 1}));
      ++copied;
    }
    say_damage(reader);
    skip = 0;
  }
  return copied;
}

SpillWriter& SpillFeed::begun(std::optional<SpillWriter>& writer) const {
  if (!writer) writer.emplace(data_dir_, source_);
  return *writer;
}

}  // namespace standpipe::worker
