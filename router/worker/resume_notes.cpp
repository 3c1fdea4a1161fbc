// SPDX-License-Identifier: Apache-2.0
#include "worker/resume_notes.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/folder.h"
#include "base/opening.h"
#include "base/own_place.h"
#include "base/replaced_file.h"

namespace standpipe::worker {
namespace {

std::string key_of(const std::string& source, const std::string& plugin) {
  return as_file_name(source) + '/' + plugin;
}

}  // namespace

ResumeNotes::ResumeNotes(const std::string& data_dir, Reporter& reporter)
    : path_(data_dir + "/resume"), reporter_(reporter) {
  if (!OwnPlace(path_, OwnPlace::Kind::file).fault().empty()) return;  // said by clear_own_places
  const auto opened = paths::open_existing(path_, O_RDONLY, own_file());
  if (!opened) return;
  try {
    notes_ = Parts::read(opened.fd());
  } catch (const Failure&) {
    reporter_.warning("resume",
                      path_ + " is not whole: sources with a plugin begin as if for the first time",
                      "messages may come again");
  }
}

std::string ResumeNotes::of(const std::string& source, const std::string& plugin) const {
  return notes_.text(key_of(source, plugin));
}

void ResumeNotes::write(const Places& resumes, bool syncs) {
  const bool is_new = std::any_of(resumes.begin(), resumes.end(), [this](const auto& place) {
    return of(place.first.first, place.first.second) != place.second;
  });
  if (!is_new && !syncs) return;
  auto notes = notes_;
  for (const auto& [whose, text] : resumes) notes_.set(key_of(whose.first, whose.second), text);
  const auto failure = replace_file(path_, notes_.bytes(), syncs);
  if (!failure) {
    has_failed_ = false;
    return;
  }
  notes_ = std::move(notes);  // so it is tried again
  if (!std::exchange(has_failed_, true))
    reporter_.warning("resume",
                      "where sources with a plugin go on cannot be kept, so after a sudden end "
                      "messages may come again: " +
                          std::string(failure->what()),
                      failure->help());
}

}  // namespace standpipe::worker
