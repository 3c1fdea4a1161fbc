// SPDX-License-Identifier: Apache-2.0
#include "named_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/error_text.h"

using std::chrono::nanoseconds;

NamedFiles::NamedFiles(standpipe::Host host, const Settings& settings, PathTemplate path,
                       Limits limits)
    : host_(host),
      settings_(settings),
      path_(std::move(path)),
      limits_(limits),
      records_(settings.request.format) {}

// No file is opened before a message asks for it, but what would keep all of them from being opened
// is said now.
void NamedFiles::open() { check_folder(); }

// Throws disconnected where no file can be made in the folder that all of them are in.
void NamedFiles::check_folder() const {
  auto request = settings_.request;
  request.path = path_.text();
  LogFile::check_folder(request, path_.folder());
}

void NamedFiles::handle(standpipe::Batch& batch, nanoseconds now) {
  batch.stop_at(0);
  for (auto* file : in_batch_) file->messages.clear();
  in_batch_.clear();
  bytes_.assign(batch.size(), 0);
  why_.clear();
  const auto end = write_all(batch, sort(batch, now), now);
  if (settings_.sync == Sync::always) sync_all(batch);
  batch.stop_at(end);
  try {
    for (auto* file : open_) file->target.sync_if_due(now);
  } catch (const standpipe::disconnected& failure) {
    if (why_.empty()) throw;
    host_.error(failure.what());  // the batch has its one reason already
  }
}

std::size_t NamedFiles::sort(standpipe::Batch& batch, nanoseconds now) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    try {
      const auto path = path_.path_of(batch[i]);
      const bool goes_on = path ? add(batch, i, *path, now)
                                : settle(batch, i, standpipe::Outcome::reject, path_.why());
      if (!goes_on) return i;
    } catch (const standpipe::reject& refused) {
      if (!settle(batch, i, standpipe::Outcome::reject, refused.what())) return i;
    } catch (const standpipe::disconnected&) {
      if (i == 0) throw;
      return i;  // first what is before it
    }
  }
  return batch.size();
}

// false: the batch has to end before it.
bool NamedFiles::add(standpipe::Batch& batch, std::size_t i, std::string_view path,
                     nanoseconds now) {
  const auto known = files_.find(path);
  auto* file = known != files_.end() ? known->second.get() : nullptr;
  if (!file || file->messages.empty()) {
    if (in_batch_.size() == limits_.open) return false;
    file = &prepared(path, now);
    if (!file->refusal.empty())
      return settle(batch, i,
                    now - file->refused_since < kPatience ? standpipe::Outcome::retry
                                                          : standpipe::Outcome::reject,
                    file->refusal);
    in_batch_.push_back(file);
  }
  file->messages.push_back(i);
  return true;
}

// A batch has one reason, that of the last messages in a row which need one: so it ends before
// others that do.
bool NamedFiles::settle(standpipe::Batch& batch, std::size_t i, standpipe::Outcome outcome,
                        const std::string& why) {
  if (!why_.empty() && (why_ != why || i != last_failed_ + 1)) return false;
  if (why_.empty()) first_failed_ = i;
  last_failed_ = i;
  why_ = why;
  batch.reason(why);
  batch.settle(i, outcome);
  return true;
}

// The file of that path, ready to be written to and the last used one; or it has a refusal. Throws
// reject where the name is to blame, and disconnected where all files are in the same case.
NamedFiles::File& NamedFiles::prepared(std::string_view path, nanoseconds now) {
  const auto known = files_.find(path);
  auto fresh = known == files_.end() ? make(path) : nullptr;
  auto& file = fresh ? *fresh : *known->second;
  if (!file.refusal.empty() && now >= file.tried && now - file.tried < kTryInterval) return file;
  try {
    open_file(file);
    file.size = file.target.prepare(now);
    file.written = 0;
    file.refusal.clear();
  } catch (const FileUnavailable& failure) {
    if (!failure.is_alone() && is_for_all(path)) throw;
    refuse(file, failure, now);
  } catch (...) {
    if (fresh && fresh->target.is_open()) close_file(file);
    throw;
  }
  if (fresh) files_.emplace(path, std::move(fresh));
  return file;
}

// Whether what keeps this path from being opened keeps the others, too: their folder is not well.
bool NamedFiles::is_for_all(std::string_view path) const {
  const auto folder = path_.folder();
  const bool is_in_it = path.substr(0, path.rfind('/')) == folder;
  if (is_in_it && ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) return true;
  try {
    check_folder();
  } catch (const standpipe::disconnected&) {
    return true;
  }
  return false;
}

std::unique_ptr<NamedFiles::File> NamedFiles::make(std::string_view path) const {
  if (files_.size() == limits_.names)
    throw standpipe::reject("it asks for one more file than max_files (" +
                            std::to_string(limits_.names) + "): " + path_.text());
  return std::make_unique<File>(File{Target(host_, settings_, std::string(path))});
}

void NamedFiles::open_file(File& file) {
  if (file.target.is_open()) return open_.splice(open_.begin(), open_, file.place);
  make_room();
  try {
    file.target.open();
  } catch (const standpipe::fatal& refused) {
    throw standpipe::reject(refused.what());
  }
  open_.push_front(&file);
  file.place = open_.begin();
}

void NamedFiles::close_file(File& file) {
  file.target.close();
  open_.erase(file.place);
}

void NamedFiles::refuse(File& file, const FileUnavailable& failure, nanoseconds now) {
  if (file.target.is_open()) close_file(file);  // it has lost its name
  const bool is_new =
      file.refusal.empty() || now < file.refused_since || now - file.tried >= kMemory;
  if (is_new) file.refused_since = now;
  file.refusal = failure.what();
  file.tried = now;
}

// The last one is in no batch, because not all of the open ones are.
void NamedFiles::make_room() {
  if (open_.size() < limits_.open) return;
  auto& oldest = *open_.back();
  oldest.target.sync_before_end();
  oldest.target.close();
  oldest.messages = {};  // and their memory
  open_.pop_back();
}

std::size_t NamedFiles::write_all(standpipe::Batch& batch, std::size_t end, nanoseconds now) {
  for (auto* file : in_batch_) {
    try {
      end = write(*file, batch, end, now);
    } catch (const common::WriteFailed& failure) {
      file->target.cut_back(spool_.incomplete());
      file->written = spool_.records_written();
      const auto what =
          "cannot write " + file->target.path() + ": " + common::error_text(failure.error);
      const auto rest = first_unwritten(end);
      fail(batch, settings_.sync == Sync::always ? 0 : rest, what);
      return rest;
    } catch (...) {  // no memory: the whole batch is redelivered
      file->target.cut_back(spool_.written());
      file->written = 0;
      cut_back(0);
      throw;
    }
  }
  cut_back(end);
  return end;
}

// Returns where the batch ends: before the message that finds this file full.
std::size_t NamedFiles::write(File& file, standpipe::Batch& batch, std::size_t end,
                              nanoseconds now) {
  file.target.will_be_written();
  spool_.begin(file.target.file().fd());
  std::size_t count = 0;
  for (const auto i : file.messages) {
    if (i >= end) break;
    const auto before = spool_.accepted();
    if (count > 0 && file.target.is_rotation_due(file.size + before, now)) {
      end = i;
      break;
    }
    records_.append(spool_, batch[i]);
    spool_.end_record();
    bytes_[i] = spool_.accepted() - before;
    ++count;
  }
  spool_.flush();
  file.written = count;
  return end;
}

std::size_t NamedFiles::first_unwritten(std::size_t end) const {
  for (const auto* file : in_batch_)
    if (file->written < file->messages.size()) end = std::min(end, file->messages[file->written]);
  return end;
}

// From message `end` on, nothing stays in any file.
void NamedFiles::cut_back(std::size_t end) {
  for (auto* file : in_batch_) {
    std::uint64_t bytes = 0;
    while (file->written > 0 && file->messages[file->written - 1] >= end)
      bytes += bytes_[file->messages[--file->written]];
    file->target.cut_back(bytes);
  }
}

void NamedFiles::sync_all(standpipe::Batch& batch) {
  for (auto* file : in_batch_)
    if (const int error = file->target.sync())
      return fail(batch, 0,
                  "cannot sync " + file->target.path() + ": " + common::error_text(error));
}

// Messages before `end` are settled, the others wait. Where some of those were rejected, the batch
// needs its one reason for them, and the next call will fail in its turn.
void NamedFiles::fail(standpipe::Batch& batch, std::size_t end, const std::string& what) {
  cut_back(end);
  batch.stop_at(end);
  if (why_.empty() || first_failed_ >= end) throw standpipe::disconnected(what);
}

void NamedFiles::flush() {
  for (auto* file : open_) file->target.sync_before_end();
}

void NamedFiles::close() {
  for (auto* file : open_) file->target.close();
  open_.clear();
}

void NamedFiles::reopen() {
  for (auto* file : open_) file->target.reopen();
}
