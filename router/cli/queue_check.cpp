// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/queue_files.h"
#include "deliver/file_repair.h"

namespace standpipe::cli {
namespace {

using deliver::SavedFile, deliver::SavedReader;

// Reads all of the files of a data_dir, and mends what is damaged if it may.
class Checker {
 public:
  Checker(std::string folder, Streams& streams) : folder_(std::move(folder)), streams_(streams) {}
  // Throws Failure: a hub has the folder.
  void lock();
  Status run();

 private:
  void check(const SavedFile& file);
  void repair(const SavedFile& file);
  void set_aside(const SavedFile& file);

  std::string folder_;
  Streams& streams_;
  std::optional<DataFolder> lock_;  // it may repair
  std::uint64_t files_ = 0, damaged_ = 0, repaired_ = 0, messages_ = 0;
};

void Checker::lock() {
  if (const auto hub = DataFolder::holder_of(folder_))
    throw Failure("a hub" + (*hub ? " (process " + std::to_string(*hub) + ")" : std::string()) +
                      " uses " + folder_ + ", and nothing is repaired beside it",
                  "stop it, and run this again");
  lock_.emplace(folder_);
}

Status Checker::run() {
  for (const auto& file : deliver::saved_files(folder_)) check(file);
  const auto what = counted(files_, "file") + ", " + counted(messages_, "waiting message");
  if (damaged_ == 0)
    streams_.out.write("ok: " + what + "\n");
  else
    streams_.out.write(counted(damaged_, "damaged file") + " of " + what +
                       (repaired_ > 0 ? "; " + thousands(repaired_) + " repaired" : "") + "\n");
  streams_.out.flush();
  return damaged_ == repaired_ ? Status::done : Status::failed;
}

void Checker::check(const SavedFile& file) try {
  std::optional<SavedReader> reader(std::in_place, file);
  ++files_;
  while (reader->next()) ++messages_;
  if (!report_damage(file, *reader, streams_)) return;
  ++damaged_;
  reader.reset();
  if (lock_) repair(file);
} catch (const Failure& failure) {
  std::error_code error;
  if (!std::filesystem::exists(file.path, error)) return;  // its hub delivered it meanwhile
  ++files_, ++damaged_;
  streams_.err.warning("unreadable", failure.what(), failure.help());
  if (lock_) set_aside(file);
}

void Checker::repair(const SavedFile& file) try {
  const auto repaired = deliver::repair_file(file);
  streams_.err.info(file.path + " has its " + counted(repaired.records, "sound record") +
                    " now; the damaged file is " + repaired.copy);
  ++repaired_;
} catch (const Failure& failure) {
  const auto whole = failure.in("cannot repair " + file.path);
  streams_.err.error("repair", whole.what(), whole.help());
}

// None of it can be read: it gets the name that a hub gives such a file.
void Checker::set_aside(const SavedFile& file) {
  const auto name = file.path + ".unreadable";
  const paths::Entry entry(file.path, own_file());
  if (!entry || entry.rename_to(name.substr(name.rfind('/') + 1)) != 0) return;
  streams_.err.info("it is " + name + " now");
  ++repaired_;
}

Status check_queues(const Arguments& arguments, Streams& streams) {
  const auto folder = data_dir_of(arguments, streams);
  if (!folder) return Status::wrong_configuration;
  Checker checker(*folder, streams);
  if (arguments.has("repair") && std::filesystem::is_directory(*folder)) checker.lock();
  return checker.run();
}

}  // namespace

Command queue_check_command() {
  return {.name = "queue check",
          .summary = "reads every file of a data_dir and names what is damaged",
          .examples = {{"standpipe queue check orders.yaml",
                        "ok: 3 files, 2,012 waiting messages; status 1 if one is damaged"},
                       {"standpipe queue check orders.yaml --repair",
                        "sets the damage aside; the hub must not run"}},
          .description =
              "Every record of every spill, overflow, queue and file of dead letters is read\n"
              "and its checksum compared. What is damaged is named with its place, and the\n"
              "status is 1. A hub that starts passes over damage too, delivers the rest, and\n"
              "says the same.\n"
              "\n"
              "--repair puts a file with all sound records in the place of each damaged one,\n"
              "which stays beside it as FILE.damaged. A file of which nothing can be read\n"
              "becomes FILE.unreadable. It is refused while a hub has the folder.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = with_folder_options(
              {{.name = "repair", .summary = "replace damaged files by their sound records"}}),
          .run = check_queues};
}

}  // namespace standpipe::cli
