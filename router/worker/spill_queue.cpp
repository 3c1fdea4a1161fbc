// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_queue.h"

#include <algorithm>

#include "base/failure.h"

namespace standpipe::worker {

using deliver::SpillReader;

namespace {

std::uint64_t messages_of(const std::string& path) try {
  return SpillReader(path).written().value_or(0);
} catch (const Failure&) {
  return 0;
}

}  // namespace

void SpillQueue::add(const std::string& path) try {
  File file{path, SpillReader::number_of(path), {}};
  if (file.number < place_->number) return fed_.push_back(path);
  file.reader.emplace(path);
  waiting_.push_back(std::move(file));
} catch (const Failure& failure) {
  files_.keep_unreadable(path, failure);
}

std::optional<std::uint64_t> SpillQueue::messages() const {
  std::uint64_t sum = 0;
  for (const auto& file : waiting_) {
    const auto written = file.reader->written();
    if (!written) return std::nullopt;
    sum += *written - std::min(file.reader->served(), *written);
  }
  return sum;
}

const SpillQueue::Message* SpillQueue::front() {
  while (!next_ && !waiting_.empty())
    if (!read_on()) end_file();
  return next_ ? &*next_ : nullptr;
}

const SpillQueue::Message* SpillQueue::advance() try {
  next_ = waiting_.front().reader->next();
  return next_ ? &*next_ : nullptr;
} catch (const Failure&) {
  next_.reset();  // read_on meets it again
  return nullptr;
}

// Advances to the message after those that were fed. false: the file has no more.
bool SpillQueue::read_on() {
  auto& file = waiting_.front();
  if (!is_fed(file)) {
    place_.edit() = {file.number, file.reader ? file.reader->served() : 0};
    memory_.commit();
  }
  try {
    if (!file.reader || file.reader->messages() > place_->fed) file.reader.emplace(file.path);
    do {
      next_ = file.reader->next();
    } while (next_ && file.reader->messages() <= place_->fed);
  } catch (const Failure& failure) {
    next_.reset();
    files_.keep_unreadable(file.path, failure);
    waiting_.pop_front();
    return true;  // whatever is next
  }
  return next_.has_value();
}

void SpillQueue::end_file() {
  files_.was_read(*waiting_.front().reader);
  fed_.push_back(waiting_.front().path);
  waiting_.pop_front();
}

void SpillQueue::back() {
  next_.reset();
  if (!waiting_.empty()) waiting_.front().reader.reset();
}

void SpillQueue::each_unfed(const std::function<void(const Message&)>& show) {
  back();
  for (const auto& file : waiting_) {
    const auto skipped = is_fed(file) ? place_->fed : 0;
    SpillReader reader(file.path);
    while (const auto message = reader.next())
      if (reader.messages() > skipped) show(*message);
    files_.was_read(reader);
  }
}

void SpillQueue::remove_fed() {
  for (const auto& path : fed_) files_.remove(path);
  fed_.clear();
}

void SpillQueue::remove_all() {
  remove_fed();
  for (const auto& file : waiting_) files_.remove(file.path);
}

void SpillQueue::leave(std::uint64_t open) {
  const auto mark = [&](const std::string& path, std::uint64_t fed) {
    const auto here = std::min(fed, open);
    open -= here;
    files_.set_served(path, fed - here);
  };
  if (!waiting_.empty() && is_fed(waiting_.front())) mark(waiting_.front().path, place_->fed);
  for (auto path = fed_.rbegin(); path != fed_.rend(); ++path) mark(*path, messages_of(*path));
}

}  // namespace standpipe::worker
