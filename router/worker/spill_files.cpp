// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_files.h"

#include <cerrno>

#include "base/opening.h"
#include "deliver/set_aside.h"

namespace standpipe::worker {
namespace {

bool is_damaged(const std::string& path) try {
  return deliver::SpillReader(path).is_damaged();
} catch (const Failure&) {
  return false;  // it is not there
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Returns the new path; empty: it could not be renamed.
std::string renamed(const std::string& path, std::string to) {
  const paths::Entry entry(path, own_file());
  if (!entry || entry.rename_to(name_of(to)) != 0) return {};
  return to;
}

}  // namespace

void SpillFiles::was_read(const deliver::SpillReader& reader) {
  if (!reader.is_damaged()) sound_.insert(reader.path());
  if (const auto damage = reader.damage(); !damage.empty())
    reporter_.error("spill",
                    source_ + ": " + damage +
                        "; everything else is delivered, and then the file is kept as " +
                        reader.path() + ".damaged",
                    "look at the disk: dmesg says what it reported");
}

void SpillFiles::keep_unreadable(const std::string& path, const Failure& failure) {
  const bool is_newer = deliver::is_of_newer_version(failure);
  const auto name =
      is_newer ? deliver::set_aside(path, failure) : renamed(path, path + ".unreadable");
  const bool moved = !name.empty();
  reporter_.error("spill",
                  source_ +
                      ": messages that an earlier run could not deliver cannot be read back: " +
                      failure.what() + "; they are left in " + (moved ? name : path),
                  is_newer && moved ? "to have them delivered, stop the hub, mv -n " + name + ' ' +
                                          path + ", and use the Standpipe that wrote it"
                                    : failure.help());
}

void SpillFiles::remove(const std::string& path) {
  const paths::Entry entry(path, own_file());
  const bool keeps = !sound_.contains(path) && is_damaged(path);
  int error = entry ? 0 : entry.problem().error;
  if (entry) error = keeps ? entry.rename_to(name_of(path) + ".damaged") : entry.remove();
  if (error == 0 || error == ENOENT) return;
  const auto failure = Failure::system("delete " + path, error);
  reporter_.warning(
      "spill",
      source_ + ": its messages were delivered, and would be delivered again: " + failure.what(),
      "delete it");
}

void SpillFiles::set_served(const std::string& path, std::uint64_t messages) {
  if (const auto failure = deliver::SpillReader::set_served(path, messages))
    reporter_.warning(
        "spill",
        source_ + ": what was delivered of " + path + " is redelivered: " + failure->what(),
        failure->help());
}

}  // namespace standpipe::worker
