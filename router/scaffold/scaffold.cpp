// SPDX-License-Identifier: Apache-2.0
#include "scaffold/scaffold.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/failure.h"
#include "base/fd.h"
#include "base/text.h"
#include "scaffold/template_files.h"

namespace standpipe::scaffold {
namespace {

constexpr std::size_t kNameMost = 64;
constexpr std::string_view kHandler = "handler";

std::string replaced(std::string_view text, std::string_view word, std::string_view by) {
  std::string out;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word)) {
    out.append(text.substr(0, at)).append(by);
    text.remove_prefix(at + word.size());
  }
  return out.append(text);
}

// The words of the templates, which are words of C++ too, so that the templates themselves compile.
std::string filled_in(std::string_view text, const std::string& name, const std::string& language) {
  auto out = replaced(text, "PLUGIN_NAME", name);
  out = replaced(out, "PLUGIN_CLASS", class_name(name));
  return replaced(out, "PLUGIN_SOURCE", name + '.' + language);
}

std::string reason() { return std::generic_category().message(errno); }

// A script can be executed.
void write_file(const std::string& path, std::string_view content) {
  const mode_t mode = content.starts_with("#!") ? 0777 : 0666;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) throw Failure("cannot make " + escaped(path) + ": " + reason());
  while (!content.empty()) {
    const auto written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw Failure("cannot write " + escaped(path) + ": " + reason());
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

void make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) return;
  if (errno == EEXIST)
    throw Failure(escaped(folder) + " is there already, and nothing is overwritten",
                  "remove it, or name another folder with --into");
  throw Failure("cannot make the folder " + escaped(folder) + ": " + reason());
}

// Of files of the same name, the first folder's is taken: a source is built as a handler is, and
// has a text of its own; its tests are the same in all compiled languages.
std::vector<std::string> folders_of(const std::string& kind, const std::string& language) {
  std::vector<std::string> folders;
  if (kind != kHandler) {
    folders.push_back(kind + '-' + language + '/');
    if (is_compiled(language)) folders.push_back(kind + '/');
  }
  folders.push_back(language + '/');
  if (is_compiled(language)) folders.emplace_back("common/");
  return folders;
}

}  // namespace

std::optional<NameProblem> name_problem(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_allowed = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_allowed))
    return NameProblem{"is no name of a plugin",
                       "it has lower-case letters, digits, _ and - only, as in word-count"};
  if (!is_letter(name.front()))
    return NameProblem{"is no name of a plugin here", "begin it with a letter: it names a class"};
  if (name == "test")
    return NameProblem{"is the name of its tests", "name another: its file would be theirs"};
  if (name.size() > kNameMost) return NameProblem{"is too long", "it has at most 64 characters"};
  return std::nullopt;
}

std::string class_name(std::string_view name) {
  std::string out;
  bool is_first = true;
  for (const char c : name) {
    const bool is_letter = c >= 'a' && c <= 'z';
    if (c != '_' && c != '-') out += is_first && is_letter ? static_cast<char>(c - 'a' + 'A') : c;
    is_first = c == '_' || c == '-';
  }
  return out;
}

bool is_compiled(std::string_view language) { return language == "cpp" || language == "c"; }

std::vector<File> files_for(const std::string& name, const std::string& language,
                            const std::string& kind) {
  std::vector<File> files;
  for (const auto& folder : folders_of(kind, language)) {
    for (const auto& file : template_files()) {
      if (!file.name.starts_with(folder)) continue;
      auto own = filled_in(file.name.substr(folder.size()), name, language);
      const bool is_there = std::any_of(files.begin(), files.end(),
                                        [&](const File& other) { return other.name == own; });
      if (!is_there) files.push_back({std::move(own), filled_in(file.content, name, language)});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.name < b.name; });
  return files;
}

std::vector<std::string> write(const std::string& name, const std::string& language,
                               const std::string& kind, const std::string& folder) {
  make_folder(folder);
  std::vector<std::string> names;
  try {
    for (const auto& file : files_for(name, language, kind)) {
      write_file(folder + '/' + file.name, file.content);
      names.push_back(file.name);
    }
  } catch (const Failure&) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    throw;
  }
  return names;
}

}  // namespace standpipe::scaffold
