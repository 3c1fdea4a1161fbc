// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"

namespace standpipe::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr std::size_t kNeighboursMax =
    1000;  // files of a folder that are looked at for a name like the mistyped one

std::size_t characters(std::string_view s) {
  return static_cast<std::size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_yaml(const fs::path& path) {
  return (path.extension() == ".yaml" || path.extension() == ".yml") &&
         !path.filename().native().starts_with('.');
}

Diagnostic unreadable(const std::string& path, const std::string& why, std::string help) {
  Diagnostic d{.code = "unreadable-file", .message = "cannot read " + escaped(path) + ": " + why};
  if (!help.empty()) d.help.push_back(std::move(help));
  return d;
}

Diagnostic missing(const std::string& path) {
  const fs::path whole(path);
  std::error_code error;
  if (const auto target = fs::read_symlink(whole, error); !error)
    return unreadable(path, "it is a link to " + escaped(target.string()) + ", which is not there",
                      "put a file there, or let the link lead to one");
  const auto folder = whole.parent_path().string();
  const auto near =
      nearest(whole.filename().string(),
              yaml_files_in(folder, kNeighboursMax).value_or(std::vector<std::string>()));
  return unreadable(
      path, "no such file",
      near ? "did you mean '" + escaped((whole.parent_path() / *near).string()) + "'?" : "");
}

Diagnostic a_folder(const std::string& path) {
  return unreadable(path, "it is a folder", "name a file");
}

Diagnostic open_failure(const std::string& path, int error) {
  if (error == ENOENT) return missing(path);
  if (error == EACCES)
    return unreadable(path, "no permission", "give the user who runs this the right to read it");
  if (error == ENXIO) return unreadable(path, "it is not a regular file", "name a file");
  return unreadable(path, std::generic_category().message(error), "");
}

Diagnostic too_large(const std::string& path, std::uint64_t bytes) {
  return {.code = "file-too-large",
          .message = escaped(path) + " has " + thousands(bytes) +
                     " bytes, more than a configuration may have (" + size_text(kConfigBytesMax) +
                     ")",
          .help = {"is it the right file?"}};
}

}  // namespace

std::optional<std::vector<std::string>> yaml_files_in(const std::string& folder, std::size_t most) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (const fs::directory_iterator end; !error && entry != end && names.size() <= most;
       entry.increment(error))
    if (is_yaml(entry->path())) names.push_back(entry->path().filename().string());
  if (error) return std::nullopt;
  std::sort(names.begin(), names.end());
  return names;
}

Document::Document(std::string file, std::string text, std::uint32_t number)
    : file_(std::move(file)), text_(std::move(text)), number_(number), starts_{0} {
  for (std::size_t at = 0; (at = text_.find('\n', at)) != std::string::npos;)
    starts_.push_back(++at);
  std::size_t sum = 0;
  for (std::size_t at = 0; at <= text_.size(); at += kBlockBytes) {
    characters_.push_back(sum);
    sum += characters(std::string_view(text_).substr(at, kBlockBytes));
  }
}

std::string_view Document::line(std::uint32_t number) const {
  if (number == 0 || number > starts_.size()) return {};
  const auto begin = starts_[number - 1];
  auto text = std::string_view(text_).substr(
      begin, std::min(text_.find('\n', begin), text_.size()) - begin);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Spot Document::spot_at(std::size_t offset) const {
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const auto line = static_cast<std::uint32_t>(next - starts_.begin());
  return {line, static_cast<std::uint32_t>(offset - *std::prev(next)), 1, number_};
}

std::size_t Document::characters_before(std::size_t offset) const {
  const auto block = offset / kBlockBytes;
  const auto begin = block * kBlockBytes;
  return characters_[block] + characters(std::string_view(text_).substr(begin, offset - begin));
}

std::size_t Document::column(const Spot& spot) const {
  if (spot.line == 0) return 0;
  const auto begin = starts_[spot.line - 1];
  const auto end = std::min<std::size_t>(begin + spot.byte, text_.size());
  return characters_before(end) - characters_before(begin) + 1;
}

Location Document::place(const Spot& spot) const {
  const auto text = line(spot.line);
  const auto byte = std::min<std::size_t>(spot.byte, text.size());
  return {file_, spot.line, characters(text.substr(0, byte)) + 1,
          std::max<std::size_t>(characters(text.substr(byte, spot.bytes)), 1), std::string(text)};
}

Spot Document::narrowed(const Spot& spot, std::string_view needle) const {
  const auto at = line(spot.line).substr(0, spot.byte + spot.bytes).find(needle, spot.byte);
  if (at == std::string_view::npos) return spot;
  return {spot.line, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(needle.size()),
          spot.file};
}

// The mark at the beginning of a file that says it is UTF-8 is no part of its text.
Documents::Documents(const Bundle& bundle) {
  documents_.reserve(bundle.files.size());
  for (const auto& file : bundle.files) {
    std::string_view text = file.text;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    documents_.emplace_back(file.name, std::string(text),
                            static_cast<std::uint32_t>(documents_.size()));
  }
}

std::string Documents::position(const Spot& spot) const {
  const auto at = place(spot);
  return escaped(at.file) + ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
}

std::string Documents::beside(const Spot& spot, const Spot& here) const {
  if (spot.file != here.file) return "at " + position(spot);
  return spot.line == here.line ? "in this line" : "in line " + std::to_string(spot.line);
}

std::variant<std::string, Diagnostic> read_whole(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return unreadable(path, "that is not the name of a file", "name a file");
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return open_failure(path, errno);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return open_failure(path, errno);
  if (S_ISDIR(st.st_mode)) return a_folder(path);
  if (!S_ISREG(st.st_mode))
    return unreadable(path, "it is not a regular file", "save it as a file and name that");
  if (static_cast<std::uint64_t>(st.st_size) > kConfigBytesMax)
    return too_large(path, static_cast<std::uint64_t>(st.st_size));
  std::string text;
  char piece[64 * KiB];
  for (;;) {
    const auto n = ::read(fd.get(), piece, sizeof piece);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return open_failure(path, errno);
    text.append(piece, static_cast<std::size_t>(n));
    if (text.size() > kConfigBytesMax) return too_large(path, text.size());  // it grew meanwhile
  }
}

}  // namespace standpipe::config
