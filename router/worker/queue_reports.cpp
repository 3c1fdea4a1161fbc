// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_reports.h"

#include <utility>

#include "base/text.h"
#include "deliver/set_aside.h"

namespace standpipe::worker {
namespace {

// Its name may be another segment's by then, unless none is there.
std::string help_for_newer(const std::string& aside) {
  const auto name = aside.substr(0, aside.rfind(".newer"));
  return "to have its messages delivered, stop the hub when this queue is empty, mv -n " + aside +
         ' ' + name + ", and use the Standpipe that wrote it";
}

}  // namespace

void QueueReports::found(std::uint64_t messages) {
  const auto one = messages == 1;
  reporter_.info(name() + ": " + counted(messages, "message") + " of an earlier run " +
                 (one ? "waits" : "wait") + " in " + subject_.folder + ", and " +
                 (one ? "comes" : "come") + " first");
}

void QueueReports::left(std::uint64_t messages) {
  if (messages == 0) return;
  reporter_.info(name() + ": " + counted(messages, "message waits", "messages wait") + " in " +
                 subject_.folder + " for the next start");
}

void QueueReports::stuck(const std::string& why, const std::string& help) {
  std::uint64_t left_out = 0;
  if (subject_.is_overflow) {
    stuck_ = why;
    if (!stuck_reminder_.is_due(clock_.steady())) return;
    is_stuck_reported_ = true;
    return reporter_.warning(
        "overflow",
        name() +
            ": no more of what waits for it goes to the disk, so the source is not read, and "
            "its writers wait: " +
            why,
        help);
  }
  if (std::exchange(stuck_, why) == why) return;
  // One that is full is so again as soon as it had room.
  const bool is_new = std::exchange(reported_, why) != why;
  if (!stuck_reminder_.is_due(clock_.steady()) && !is_new) return;
  if (!reports_.allow(clock_.steady(), left_out)) return;
  is_stuck_reported_ = true;
  reporter_.warning("queue",
                    name() +
                        ": its queue takes no more, so messages wait in the source's log, and then "
                        "its writers do: " +
                        why,
                    help);
}

void QueueReports::failed(const std::string& why, const std::string& help) {
  has_failed_ = true;
  stuck(why, help);
}

void QueueReports::takes_again() {
  stuck_.clear();
  has_failed_ = false;
  if (std::exchange(is_stuck_reported_, false))
    reporter_.info(name() + (subject_.is_overflow ? ": its overflow takes messages again"
                                                  : ": its queue takes messages again"));
}

void QueueReports::dropped() {
  if (!(has_failed_ ? failed_drops_ : drops_).is_due(clock_.steady())) return;
  const auto why = has_failed_ ? "cannot be written (" + stuck_ + ")" : "holds all that it may";
  reporter_.warning(
      "queue_full", name() + ": its queue " + why + ", so messages are dropped (queue_full)",
      has_failed_ ? ""
                  : "raise `queue: { max_size, max_messages }` of handler " + subject_.handler);
}

void QueueReports::armed(const std::string& why, const std::string& help) {
  std::uint64_t left_out = 0;
  if (!armings_.allow(clock_.steady(), left_out)) return;
  is_arming_reported_ = true;
  reporter_.warning("overflow",
                    subject_.source + ": the log is full of what waits for " + subject_.handler +
                        ", which " + why + ": from now on it goes to " + subject_.folder +
                        ", and the other handlers continue",
                    help);
}

// That it takes messages again needs no word besides.
void QueueReports::disarmed() {
  stuck_.clear();
  has_failed_ = is_stuck_reported_ = false;
  stuck_reminder_ = {};
  if (std::exchange(is_arming_reported_, false))
    reporter_.info(name() + ": all that overflowed to the disk is delivered");
}

void QueueReports::cannot_read_now(const Failure& trouble) {
  std::uint64_t left_out = 0;
  if (!damages_.allow(clock_.steady(), left_out)) return;
  reporter_.warning(
      "queue", name() + ": its queue cannot be read now, so its messages wait: " + trouble.what(),
      trouble.help());
}

void QueueReports::cannot_read(std::uint64_t messages, const std::string& path) {
  std::uint64_t left_out = 0;
  if (!damages_.allow(clock_.steady(), left_out)) return;
  reporter_.error("damaged", name() + ": " + counted(messages, "message") + " in " + path +
                                 " cannot be read: dropped (damaged)");
}

void QueueReports::missing(std::uint64_t messages, const std::string& before,
                           const std::string& missing) {
  std::uint64_t left_out = 0;
  if (!damages_.allow(clock_.steady(), left_out)) return;
  reporter_.error("damaged",
                  name() + ": " + counted(messages, "message") + " after those of " + before +
                      (messages == 1 ? " is" : " are") + " in no file: dropped (damaged)",
                  missing + " is missing, or the end of the file before it was cut off or damaged");
}

void QueueReports::damaged(const std::string& path, const std::string& damage) {
  reporter_.warning("damaged", path + ": " + damage,
                    "what was damaged is in the account, as dropped (damaged)");
}

void QueueReports::set_aside(const Failure& failure, const std::string& aside) {
  if (deliver::is_of_newer_version(failure))
    return reporter_.error(
        "newer-version",
        name() + ": " + failure.what() + ": it is " + aside + " now, and has its messages",
        help_for_newer(aside));
  reporter_.error("damaged",
                  name() + ": " + failure.what() + ": it is " + aside +
                      " now, and its messages are not delivered",
                  failure.help());
}

void QueueReports::left_out(const Failure& failure, const std::string& aside) {
  if (deliver::is_of_newer_version(failure) && !aside.empty())
    return reporter_.error("newer-version",
                           name() + ": " + failure.what() + ": it is " + aside +
                               " now, and has its messages; this run counts them as dropped "
                               "(damaged)",
                           help_for_newer(aside));
  reporter_.error("damaged",
                  name() + ": " + failure.what() +
                      (aside.empty() ? "" : ": it is " + aside + " now") +
                      "; its messages are dropped (damaged)",
                  failure.help());
}

void QueueReports::was_removed(const std::string& path) {
  reporter_.warning("queue",
                    name() + ": " + path +
                        " was removed while it was in use: what it has is delivered if this "
                        "worker lives so long, and what comes goes to another file",
                    "keep cleaners away from data_dir");
}

void QueueReports::lost(std::uint64_t messages, const std::string& path) {
  reporter_.error("damaged", name() + ": " + counted(messages, "message") + " of " + path +
                                 ", which was removed, could not be delivered in time: "
                                 "dropped (damaged)");
}

void QueueReports::trouble(const Failure& failure) {
  reporter_.error("queue", name() + ": " + failure.what(), failure.help());
}

}  // namespace standpipe::worker
