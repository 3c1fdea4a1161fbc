// SPDX-License-Identifier: Apache-2.0
#include "state/records.h"

#include <algorithm>
#include <cstring>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/pages.h"
#include "state/damaged.h"

namespace standpipe::state {
namespace {

constexpr auto kLine = UndoLog::kLine;
constexpr std::uint32_t kRemoved = 1;

std::uint64_t whole_lines(std::uint64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

}  // namespace

// A record: this, the name, then what it holds at the next line's beginning. One that was removed:
// this alone.
struct Records::Header {
  std::uint64_t bytes;  // of what it holds; removed: of all of it
  std::uint32_t name_bytes;
  std::uint32_t state;  // 0, or kRemoved
};

Records::Records(UndoLog& undo, const std::byte* memory, std::span<std::byte> area,
                 std::uint64_t& used)
    : undo_(undo), memory_(memory), area_(area), used_(&used) {
  if (*used_ > area_.size() || *used_ % kLine != 0) throw Damaged("its records have no end");
  read_all();
}

void Records::read_all() {
  for (std::uint64_t at = 0; at < *used_;) {
    Header header{};
    std::memcpy(&header, area_.data() + at, sizeof header);
    if (header.state == kRemoved) {
      const bool fits =
          header.bytes >= kLine && header.bytes % kLine == 0 && header.bytes <= *used_ - at;
      if (!fits) throw Damaged("a record that was removed reaches beyond the records");
      free_.emplace_hint(free_.end(), at, header.bytes);
      at += header.bytes;
    } else {
      at = read_one(at, header);
    }
  }
}

// Returns where it ends.
std::uint64_t Records::read_one(std::uint64_t at, const Header& header) {
  const auto held = at + whole_lines(sizeof header + header.name_bytes);
  const auto end = held + whole_lines(header.bytes);
  if (header.state != 0 || header.name_bytes > 2 * kPageBytes || header.bytes > area_.size() ||
      end > *used_)
    throw Damaged("a record reaches beyond the records");
  std::string name(reinterpret_cast<const char*>(area_.data() + at + sizeof header),
                   header.name_bytes);
  if (!places_.emplace(name, RecordRange{at, held, header.bytes}).second)
    throw Damaged("a record is there twice");
  order_.emplace_hint(order_.end(), at, std::move(name));
  return end;
}

std::span<std::byte> Records::find_or_make(std::string_view name, std::size_t bytes) {
  if (const auto found = places_.find(std::string(name)); found != places_.end()) {
    if (found->second.bytes != bytes)
      throw Damaged("its record " + std::string(name) + " has another size");
    return area_.subspan(found->second.held, bytes);
  }
  const auto head_bytes = whole_lines(sizeof(Header) + name.size());
  const auto begin = allocate(head_bytes + whole_lines(bytes));
  return add(name, {begin, begin + head_bytes, bytes});
}

// What lies after a header as it was committed is written without an entry in the undo log.
std::span<std::byte> Records::add(std::string_view name, const RecordRange& place) {
  write_header(place.begin, {place.bytes, static_cast<std::uint32_t>(name.size()), 0});
  std::memcpy(area_.data() + place.begin + sizeof(Header), name.data(), name.size());
  std::memset(area_.data() + place.held, 0, whole_lines(place.bytes));
  places_.emplace(name, place);
  order_.emplace_hint(order_.end(), place.begin, name);
#ifndef NDEBUG
  made_.push_back(place.begin);
#endif
  return area_.subspan(place.held, place.bytes);
}

void Records::write_header(std::uint64_t at, const Header& header) {
  std::memcpy(area_.data() + at, &header, sizeof header);
}

// From removed records, or else after all others.
std::uint64_t Records::allocate(std::uint64_t bytes) {
  std::uint64_t at = 0;
  if (reuse_removed(bytes, at)) return at;
  at = *used_;
  if (at + bytes > area_.size())
    throw Failure("there is no more room in the hub's shared memory",
                  "use fewer handlers or outputs");
  undo_.log_undo(used_, sizeof *used_);
  *used_ += bytes;
  return at;
}

// The first neighbours that are large enough together. Their headers change, and so are logged;
// what is left over has its header where none was committed.
bool Records::reuse_removed(std::uint64_t bytes, std::uint64_t& at) {
  for (auto first = free_.begin(); first != free_.end(); ++first) {
    auto last = first;
    auto end = first->first + first->second;
    while (end - first->first < bytes && std::next(last) != free_.end() &&
           std::next(last)->first == end) {
      ++last;
      end += last->second;
    }
    if (end - first->first < bytes) continue;
    at = first->first;
    const auto after = std::next(last);
    for (auto it = first; it != after; ++it)
      undo_.log_undo(area_.data() + it->first, sizeof(Header));
    free_.erase(first, after);
    if (const auto rest = at + bytes; rest < end) {
      write_header(rest, {end - rest, 0, kRemoved});
      free_.emplace(rest, end - rest);
    }
    return true;
  }
  return false;
}

std::span<const std::byte> Records::find(std::string_view name) const {
  const auto found = places_.find(std::string(name));
  if (found == places_.end()) return {};
  return area_.subspan(found->second.held, found->second.bytes);
}

std::vector<std::string> Records::names(std::string_view prefix) const {
  std::vector<std::string> names;
  for (const auto& [begin, name] : order_)
    if (name.starts_with(prefix)) names.push_back(name);
  return names;
}

void Records::remove(std::string_view name) {
  const auto found = places_.find(std::string(name));
  INVARIANT(found != places_.end(), name);
  const auto place = found->second;
  const auto bytes = place.held + whole_lines(place.bytes) - place.begin;
  undo_.log_undo(area_.data() + place.begin, sizeof(Header));
  write_header(place.begin, {bytes, 0, kRemoved});
  removed_.emplace_back(place.begin, bytes);
  order_.erase(place.begin);
  places_.erase(found);
}

void Records::rename(std::string_view name, std::string_view to) {
  INVARIANT(contains(name) && !contains(to), name, to);
  const auto held = find(name);
  const auto fresh = find_or_make(to, held.size());
  std::memcpy(fresh.data(), held.data(), held.size());
  remove(name);
}

void Records::before_commit() {
  check_noted();
  for (const auto& [begin, bytes] : removed_) free_.emplace(begin, bytes);
  removed_.clear();
}

std::uint64_t Records::free_bytes() const {
  auto bytes = area_.size() - *used_;
  for (const auto& [begin, removed] : free_) bytes += removed;
  return bytes;
}

// Checks that every change since the last commit was logged. In debug builds, while there is little
// to compare.
void Records::check_noted() {
#ifndef NDEBUG
  constexpr std::uint64_t kMost = 128 * KiB;
  const auto known = shadow_.size();
  shadow_.resize(std::min(*used_, kMost));
  const auto offset = static_cast<std::uint64_t>(area_.data() - memory_);
  for (const auto& [begin, name] : order_) {
    if (name.starts_with(kCallRecords) || name == kCrashRecord)
      continue;  // plain: a plugin's thread may be writing there
    const auto& place = places_.at(name);
    const auto end = place.held + whole_lines(place.bytes);
    if (end > shadow_.size()) break;
    const bool is_new = std::find(made_.begin(), made_.end(), begin) != made_.end();
    for (auto at = place.held; at < end; at += kLine) {
      const bool same = is_new || at + kLine > known ||
                        std::memcmp(area_.data() + at, shadow_.data() + at, kLine) == 0;
      INVARIANT(same || undo_.has_logged((offset + at) / kLine),
                "changed without an entry in the undo log", name, at - place.held);
      std::memcpy(shadow_.data() + at, area_.data() + at, kLine);
    }
  }
  made_.clear();
#endif
}

}  // namespace standpipe::state
