// SPDX-License-Identifier: Apache-2.0
#include "worker/stop_notes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "base/folder.h"
#include "base/limits.h"
#include "base/opening.h"
#include "base/replaced_file.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kNotesBegin = "standpipe stopped 1\n";
constexpr std::string_view kNotesEnd = "end\n";
constexpr std::size_t kNotesBytesMax = 64 * MiB;

std::string line_of(const StopNote& note) {
  std::string line = "source=" + as_file_name(note.source);
  const auto add = [&](const char* key, std::uint64_t value) {
    line += ' ' + std::string(key) + '=' + std::to_string(value);
  };
  add("device", note.fifo.device);
  add("inode", note.fifo.inode);
  if (note.mode) add("mode", *note.mode);
  if (note.seal) add("seal", note.seal);
  if (note.capacity) add("capacity", note.capacity);
  if (note.skip) add("skip", note.skip);
  if (note.head_bytes) add("head", note.head), add("head_bytes", note.head_bytes);
  if (note.discards) add("discards", 1);
  return line + '\n';
}

void read_word(std::string_view word, StopNote& note) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return;
  const auto key = word.substr(0, equals);
  const auto text = word.substr(equals + 1);
  if (key == "source") note.source = from_file_name(text).value_or("");
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return;
  if (key == "device") note.fifo.device = value;
  if (key == "inode") note.fifo.inode = value;
  if (key == "mode") note.mode = static_cast<unsigned>(value & 07777);
  if (key == "seal") note.seal = value;
  if (key == "capacity") note.capacity = value;
  if (key == "skip") note.skip = value;
  if (key == "head") note.head = static_cast<std::uint32_t>(value);
  if (key == "head_bytes") note.head_bytes = static_cast<std::uint32_t>(value);
  if (key == "discards") note.discards = value != 0;
}

StopNote note_of(std::string_view line) {
  StopNote note;
  while (!line.empty()) {
    const auto end = line.find(' ');
    read_word(line.substr(0, end), note);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return note;
}

// Empty: the file is missing, or is not ours.
std::string content_of_file(const std::string& path) {
  const auto opened = paths::open_existing(path, O_RDONLY, own_file());
  struct stat st {};
  if (!opened || ::fstat(opened.fd(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  if (st.st_size > static_cast<off_t>(kNotesBytesMax)) return {};
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  return ::pread(opened.fd(), text.data(), text.size(), 0) == st.st_size ? text : std::string();
}

}  // namespace

std::vector<StopNote> StopNotes::read() const {
  std::vector<StopNote> notes;
  const auto content = content_of_file(path_);
  std::string_view rest = content;
  if (!rest.starts_with(kNotesBegin) || !rest.ends_with(kNotesEnd)) return notes;
  rest.remove_prefix(kNotesBegin.size());
  while (rest != kNotesEnd && !rest.empty()) {
    const auto end = rest.find('\n');
    notes.push_back(note_of(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  return notes;
}

std::optional<Failure> StopNotes::write(const std::vector<StopNote>& notes) const {
  std::string text(kNotesBegin);
  for (const auto& note : notes) text += line_of(note);
  text += kNotesEnd;
  return replace_file(path_, text, true);
}

void StopNotes::remove() const { ::unlink(path_.c_str()); }

}  // namespace standpipe::worker
