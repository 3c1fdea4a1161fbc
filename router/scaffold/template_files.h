// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace standpipe::scaffold {

// A file of sdk/template, as the build found it. The program needs no file to make others.
struct TemplateFile {
  // "cpp/PLUGIN_NAME.cpp", "source-c/PLUGIN_NAME.c": of a language, of a kind, of both, or in
  // common/
  std::string_view name;
  std::string_view content;
};

std::span<const TemplateFile> template_files();

}  // namespace standpipe::scaffold
