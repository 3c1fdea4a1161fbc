// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_repair.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/byte_codec.h"
#include "base/failure.h"
#include "base/opening.h"
#include "deliver/spill_format.h"
#include "log/disk_log.h"

namespace standpipe::deliver {
namespace {

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

SpillRecord kind_of(const log::DiskLog::Record& record) {
  return static_cast<SpillRecord>(ByteReader(record.meta).number<std::uint8_t>());
}

void check(std::optional<Failure> failure) {
  if (failure) throw std::move(*failure);
}

// All sound records, but for a spill's end, which is written anew. Returns how many were copied.
std::uint64_t copy_records(const SavedFile& file, log::DiskLog& from, log::DiskLog& to) {
  const bool is_spill = file.kind == SavedFile::Kind::spill;
  std::uint64_t records = 0, messages = 0;
  for (log::DiskLog::ReadPosition at; const auto record = from.read_next(at);) {
    if (is_spill && kind_of(*record) == SpillRecord::end) continue;
    if (is_spill && kind_of(*record) == SpillRecord::message) ++messages;
    check(to.append(record->meta, {&record->payload, 1}, record->fields));
    ++records;
  }
  if (is_spill) check(append_end(to, SpillLists(), messages));
  check(to.sync());
  return records;
}

// The name under which the damaged file stays: one that nothing has.
std::string name_of_copy(const paths::Entry& entry, const std::string& name) {
  struct stat status {};
  auto copy = name + ".damaged";
  for (int n = 2; entry.status_of(copy, status) == 0; ++n)
    copy = name + ".damaged-" + std::to_string(n);
  return copy;
}

// The damaged file gets a second name, and then the sound one takes its first.
std::string exchange(const std::string& path, const std::string& temporary) {
  const paths::Entry entry(path, own_file());
  if (!entry) throw failure_of(entry.problem());
  const auto name = last_part(path), copy = name_of_copy(entry, name);
  if (::linkat(entry.folder(), name.c_str(), entry.folder(), copy.c_str(), 0) != 0)
    throw Failure::system("keep a copy of " + path, errno, "copy it away, and run this again");
  auto error = entry.sync_folder();
  if (!error) error = entry.rename(last_part(temporary), name);
  if (!error) error = entry.sync_folder();
  if (error) throw Failure::system("rename " + temporary, error);
  return path + copy.substr(name.size());
}

}  // namespace

RepairedFile repair_file(const SavedFile& file) {
  auto from = log::DiskLog::open(file.path, log::DiskLog::Access::read);
  const auto temporary = file.path + ".tmp";
  (void)paths::Entry(temporary, own_file()).remove();  // of an earlier repair
  auto to = log::DiskLog::open(temporary, log::DiskLog::Access::append);
  try {
    RepairedFile repaired{.records = copy_records(file, from, to)};
    if (from.done() > 0) check(log::DiskLog::set_done(temporary, from.done()));
    repaired.copy = exchange(file.path, temporary);
    return repaired;
  } catch (const Failure&) {
    (void)to.remove();
    throw;
  }
}

}  // namespace standpipe::deliver
