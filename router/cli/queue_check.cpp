// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/data_folder.h"
#include "base/failure.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/queue_files.h"
#include "deliver/file_repair.h"
#include "deliver/set_aside.h"

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
  void read(const SavedFile& file);
  void compare(const SavedFile& file);
  void report_end(const SavedFile& file, const SavedReader& reader);
  void cannot_read(const SavedFile& file, const Failure& why);
  std::string problems() const;
  void repair(const SavedFile& file);
  void set_aside(const SavedFile& file);

  std::string folder_;
  Streams& streams_;
  std::optional<DataFolder> lock_;  // it may repair
  bool is_in_use_ = false;          // by a hub, which may be writing
  std::uint64_t files_ = 0, damaged_ = 0, repaired_ = 0, newer_ = 0;
  std::uint64_t messages_ = 0, missing_ = 0, left_out_ = 0;
  struct Segment {
    SavedFile file;
    std::uint64_t after;  // its last message's number, and one
    bool is_cut_off;
  };
  std::optional<Segment> before_;  // of a queue, and read as far as it goes
};

void Checker::lock() {
  if (const auto hub = DataFolder::holder_of(folder_))
    throw Failure("a hub" + (*hub ? " (process " + std::to_string(*hub) + ")" : std::string()) +
                      " uses " + folder_ + ", and nothing is repaired beside it",
                  "stop it, and run this again");
  lock_.emplace(folder_);
}

Status Checker::run() {
  is_in_use_ = !lock_ && DataFolder::holder_of(folder_);
  for (const auto& file : deliver::saved_files(folder_)) check(file);
  auto what = counted(files_, "file") + ", " + counted(messages_, "waiting message");
  if (left_out_ > 0) what += ", " + counted(left_out_, "byte") + " left out";
  if (const auto found = problems(); found.empty())
    streams_.out.write("ok: " + what + "\n");
  else
    streams_.out.write(found + " of " + what +
                       (repaired_ > 0 ? "; " + thousands(repaired_) + " repaired" : "") + "\n");
  streams_.out.flush();
  const bool is_well = damaged_ == repaired_ && missing_ == 0 && newer_ == 0;
  return is_well ? Status::done : Status::failed;
}

std::string Checker::problems() const {
  std::vector<std::string> found;
  if (damaged_ > 0) found.push_back(counted(damaged_, "damaged file"));
  if (newer_ > 0)
    found.push_back(counted(newer_, "file of a newer version", "files of a newer version"));
  if (missing_ > 0) found.push_back(counted(missing_, "missing message"));
  return joined(found, ", ");
}

void Checker::check(const SavedFile& file) try {
  compare(file);
  read(file);
} catch (const Failure& failure) {
  before_.reset();
  std::error_code error;
  if (std::filesystem::exists(file.path, error)) cannot_read(file, failure);
}  // else its hub delivered it meanwhile

void Checker::read(const SavedFile& file) {
  std::optional<SavedReader> reader(std::in_place, file);
  std::uint64_t messages = 0;
  while (reader->next()) ++messages;
  ++files_;
  messages_ += messages;
  if (file.kind == SavedFile::Kind::queue)
    before_ = Segment{file, reader->after(), reader->left_out() > 0};
  if (!report_damage(file, *reader, streams_)) return report_end(file, *reader);
  ++damaged_;
  reader.reset();
  if (lock_) repair(file);
}

// The numbers of a queue have no gaps, and the next segment's name is the number of its first
// message: so what a file has lost at its end, and a file that is not there, show. Only a queue
// that drops the oldest has such gaps itself, while its hub runs, and seldom after that.
void Checker::compare(const SavedFile& file) {
  const auto before = std::exchange(before_, std::nullopt);
  if (!before || is_in_use_ || file.kind != SavedFile::Kind::queue ||
      before->file.source != file.source || before->file.handler != file.handler ||
      file.number <= before->after)
    return;
  const auto count = file.number - before->after;
  missing_ += count;
  const auto folder = file.path.substr(0, file.path.rfind('/'));
  const auto whole = folder + '/' + std::to_string(before->after) + ".log";
  streams_.err.warning(
      "missing",
      folder + ": " + counted(count, "message") + " from number " + thousands(before->after) +
          (count == 1 ? " on is" : " on are") + " in no file: " +
          (before->is_cut_off
               ? before->file.path + " was cut off"
               : whole + " is missing, or the end of " + before->file.path + " was cut off"),
      "a start counts what is missing as dropped (damaged), and goes on; a queue that drops the "
      "oldest may have dropped it itself (queue_full)");
}

// A death leaves that, and so does a slip that makes a file shorter; a hub may be writing it.
void Checker::report_end(const SavedFile& file, const SavedReader& reader) {
  const auto bytes = reader.left_out();
  if (bytes == 0 || is_in_use_) return;
  left_out_ += bytes;
  streams_.err.warning("truncated",
                       file.path + ": " + counted(bytes, "byte") + " at its end " +
                           (bytes == 1 ? "is" : "are") +
                           " no whole record, and left out: a death has cut off the writing, or "
                           "something the file");
}

void Checker::cannot_read(const SavedFile& file, const Failure& why) {
  ++files_;
  const bool is_newer = deliver::is_of_newer_version(why);
  ++(is_newer ? newer_ : damaged_);
  streams_.err.warning(is_newer ? "newer-version" : "unreadable", why.what(), why.help());
  if (lock_ && !is_newer) set_aside(file);
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
              "status is 1. So it is where messages are missing between two files of a queue,\n"
              "and where a later version of Standpipe wrote a file. What is no whole record at\n"
              "the end of a file is named, but a killed hub may leave that. A hub that starts\n"
              "passes over damage too, delivers the rest, and says the same.\n"
              "\n"
              "--repair puts a file with all sound records in the place of each damaged one,\n"
              "which stays beside it as FILE.damaged. A file of which nothing can be read\n"
              "becomes FILE.unreadable; one of a later version stays as it is. It is refused\n"
              "while a hub has the folder.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = with_folder_options(
              {{.name = "repair", .summary = "replace damaged files by their sound records"}}),
          .run = check_queues};
}

}  // namespace standpipe::cli
