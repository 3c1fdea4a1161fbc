// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace standpipe::scaffold {

struct NameProblem {
  std::string what;  // "is too long"
  std::string help;
};

// Why a plugin cannot have that name: a plugin's name is also that of files, targets and a class.
std::optional<NameProblem> name_problem(std::string_view name);

// "word_count" -> "WordCount"
std::string class_name(std::string_view name);

struct File {
  std::string name;
  std::string content;
};

// A plugin of its own is built in that language; in others it is a program that `exec` runs.
bool is_compiled(std::string_view language);

// The files of sdk/template for that language ("cpp", "c", "python", "any") and kind ("handler",
// "source", "transform"), with the plugin's name in them.
std::vector<File> files_for(const std::string& name, const std::string& language,
                            const std::string& kind);

// Makes the folder and the files in it, and gives their names. The folder must not exist. Throws
// Failure; then nothing is left behind.
std::vector<std::string> write(const std::string& name, const std::string& language,
                               const std::string& kind, const std::string& folder);

}  // namespace standpipe::scaffold
