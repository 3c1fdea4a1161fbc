// SPDX-License-Identifier: Apache-2.0
#include "config/bundle.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "base/file_id.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/document.h"
#include "config/paths.h"

namespace standpipe::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPackedMark = "standpipe configuration 1\n";

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// "conf.d" for "conf.d/": how a path is shown and what a hub is named after.
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string name_of(const std::vector<std::string>& paths) {
  const auto first = without_slash(paths.front());
  return paths.size() == 1 ? first : first + " and " + std::to_string(paths.size() - 1) + " more";
}

// What is opened: the path as it was given, while that still leads there from here.
std::string opened_for(const std::string& path, const std::string& place) {
  return without_slash(absolute_path(path)) == place ? path : place;
}

// Reads one path after the other.
class BundleReader {
 public:
  void read(const std::string& path, const std::string& place);
  std::variant<Bundle, std::vector<Diagnostic>> result(std::string name, std::string place);

 private:
  void read_folder(const std::string& path, const std::string& place);
  void read_file(const std::string& name, const std::string& place);
  bool is_new(const std::string& opened, const std::string& name);
  void problem(Diagnostic diagnostic) { problems_.push_back(std::move(diagnostic)); }

  Bundle bundle_;
  std::vector<Diagnostic> problems_;
  std::map<FileId, std::string> seen_;
  std::size_t bytes_ = 0;
  bool too_large_ = false;  // and said so
};

void BundleReader::read(const std::string& path, const std::string& place) {
  if (is_folder(opened_for(path, place)))
    read_folder(path, place);
  else
    read_file(path, place);
}

void BundleReader::read_folder(const std::string& path, const std::string& place) {
  const auto found = yaml_files_in(opened_for(path, place), kConfigFilesMax);
  if (!found)
    return problem({.code = "unreadable-file",
                    .message = "cannot read the folder " + escaped(path),
                    .help = {"give the user who runs this the right to list it"}});
  if (found->empty())
    return problem({.code = "empty-folder",
                    .message = "there is no configuration in " + escaped(without_slash(path)),
                    .help = {"name a file, or put files into it that end in .yaml"}});
  if (found->size() > kConfigFilesMax)
    return problem({.code = "too-many-files",
                    .message = escaped(without_slash(path)) + " has more than " +
                               thousands(kConfigFilesMax) + " files that end in .yaml",
                    .help = {"is it the right folder?"}});
  for (const auto& file : *found)
    read_file((fs::path(path) / file).string(), (fs::path(place) / file).string());
}

// The same file by two ways would have everything in it named twice.
bool BundleReader::is_new(const std::string& opened, const std::string& name) {
  const auto id = FileId::at(opened);
  if (!id) return true;
  const auto [first, is_first] = seen_.emplace(*id, name);
  if (!is_first)
    problem({.code = "same-file",
             .message = escaped(name) + " is given twice",
             .notes = {"it is " + escaped(first->second)},
             .help = {"name it once; a folder brings its files along"}});
  return is_first;
}

void BundleReader::read_file(const std::string& name, const std::string& place) {
  const auto opened = opened_for(name, place);
  if (too_large_ || !is_new(opened, name)) return;
  if (bundle_.files.size() == kConfigFilesMax) {
    too_large_ = true;
    return problem({.code = "too-many-files",
                    .message = "more than " + thousands(kConfigFilesMax) + " files",
                    .help = {"a configuration has fewer"}});
  }
  auto read = read_whole(opened);
  if (auto* unreadable = std::get_if<Diagnostic>(&read)) return problem(std::move(*unreadable));
  auto& text = std::get<std::string>(read);
  bytes_ += text.size();
  if (bytes_ > kConfigBytesMax) {
    too_large_ = true;
    return problem(
        {.code = "file-too-large",
         .message = "the files together have more bytes than a configuration may have (" +
                    size_text(kConfigBytesMax) + ")",
         .help = {"are they the right files?"}});
  }
  bundle_.files.push_back({name, place, std::move(text)});
}

std::variant<Bundle, std::vector<Diagnostic>> BundleReader::result(std::string name,
                                                                   std::string place) {
  if (!problems_.empty()) return std::move(problems_);
  bundle_.name = std::move(name);
  bundle_.place = std::move(place);
  return std::move(bundle_);
}

// ---- packing: fields with their lengths before them

void put(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
}

std::optional<std::string> take(std::string_view& rest) {
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto bytes = parse_integer(rest.substr(0, colon));
  rest.remove_prefix(colon + 1);
  if (!bytes || *bytes < 0 || static_cast<std::uint64_t>(*bytes) > rest.size()) return std::nullopt;
  std::string field(rest.substr(0, static_cast<std::size_t>(*bytes)));
  rest.remove_prefix(field.size());
  return field;
}

}  // namespace

Bundle bundle_of(std::string_view text, const std::string& file, const std::string& place) {
  const auto& where = place.empty() ? file : place;
  return {file, where, {{file, where, std::string(text)}}};
}

std::variant<Bundle, std::vector<Diagnostic>> read_bundle(const std::vector<std::string>& paths,
                                                          const std::vector<std::string>& places) {
  if (paths.empty()) return std::vector{Diagnostic{.code = "empty", .message = "no configuration"}};
  BundleReader reader;
  const auto place_of = [&](std::size_t i) {
    return without_slash(i < places.size() ? places[i] : absolute_path(paths[i]));
  };
  for (std::size_t i = 0; i < paths.size(); ++i) reader.read(paths[i], place_of(i));
  return reader.result(name_of(paths), place_of(0));
}

std::string pack(const Bundle& bundle) {
  std::string out(kPackedMark);
  put(out, bundle.name);
  put(out, bundle.place);
  for (const auto& file : bundle.files)
    for (const auto* field : {&file.name, &file.place, &file.text}) put(out, *field);
  return out;
}

std::optional<Bundle> unpack(std::string_view packed) {
  if (!packed.starts_with(kPackedMark)) return std::nullopt;
  packed.remove_prefix(kPackedMark.size());
  auto name = take(packed);
  auto place = name ? take(packed) : std::nullopt;
  if (!place) return std::nullopt;
  Bundle bundle{std::move(*name), std::move(*place), {}};
  while (!packed.empty()) {
    auto file = take(packed);
    auto where = file ? take(packed) : std::nullopt;
    auto text = where ? take(packed) : std::nullopt;
    if (!text) return std::nullopt;
    bundle.files.push_back({std::move(*file), std::move(*where), std::move(*text)});
  }
  return bundle;
}

}  // namespace standpipe::config
