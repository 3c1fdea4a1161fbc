// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "conformance/check.h"
#include "conformance/child.h"
#include "conformance/state.h"

namespace standpipe::conformance {
namespace {

void check_description(Subject& subject) {
  const auto& plugin = subject.description();
  if (!plugin.is_handler() && !plugin.is_source())
    throw Problem{"it offers neither a handler nor a source"};
}

void check_name(Subject& subject) {
  const auto file = std::filesystem::path(subject.request().path).filename().string();
  const auto& name = subject.description().name;
  if (file != name + ".so")
    throw Problem{"the file is " + escaped(file) + ", and it calls itself " + name};
}

void check_documented(Subject& subject) {
  const auto& plugin = subject.description();
  if (plugin.version.empty()) throw Problem{"it has no version"};
  if (plugin.summary.empty()) throw Problem{"it has no summary"};
  if (plugin.summary.find('\n') != std::string::npos)
    throw Problem{"its summary has more than one line"};
  for (const auto& option : plugin.options)
    if (option.summary.empty()) throw Problem{"option '" + option.name + "' has no summary"};
}

void check_constant(Subject& subject) {
  const auto* first = &subject.abi();
  const standpipe_plugin* again = nullptr;
  std::thread([&] {
    Subject other(subject.request());
    again = &other.abi();
  }).join();
  if (again != first) throw Problem{"a second call returned another description"};
  if (again->size != first->size || subject.description().name.empty())
    throw Problem{"a second call returned other content"};
}

void check_load_quiet(Subject& subject) {
  const auto descriptors = open_descriptors();
  const auto threads = count_threads();
  const ProcessState before;
  (void)subject.abi();
  if (count_threads() > threads) throw Problem{"it starts a thread when it is asked what it is"};
  if (open_descriptors() != descriptors)
    throw Problem{"it opens or closes descriptors when it is asked what it is"};
  if (const auto what = before.changed(); !what.empty())
    throw Problem{"it changes " + what + " when it is loaded"};
  if (!std::filesystem::is_empty(".")) throw Problem{"it makes files when it is loaded"};
}

}  // namespace

std::vector<Check> description_checks() {
  return {
      {"description", "describes itself without a contradiction", "imports",
       "look at its describe(); standpipe/plugin.h says what each field may be", check_description},
      {"name", "lies in a file of its name", "description",
       "rename the file, or change d.name(): YAML finds a plugin by the file's name", check_name},
      {"documented", "has a version, a summary, and one for each option", "description",
       "`standpipe plugin show` and the schema are made of them", check_documented},
      {"constant", "gives the same description each time, in any thread", "description",
       "return the address of a constant", check_constant},
      {"load_quiet", "does nothing when it is loaded and described", "description",
       "every command that lists plugins loads it: open files and start threads in open",
       check_load_quiet},
  };
}

}  // namespace standpipe::conformance
