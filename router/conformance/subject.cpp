// SPDX-License-Identifier: Apache-2.0
#include "conformance/subject.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/failure.h"
#include "conformance/child.h"
#include "plugin/description.h"

namespace standpipe::conformance {
namespace {

std::string without_quotes(const std::string& text) {
  const bool is_quoted = text.size() >= 2 && text.front() == text.back() &&
                         (text.front() == '"' || text.front() == '\'');
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::string sample_text(const plugin::Option& option, const std::string& folder) {
  if (option.type == STANDPIPE_PATH) return folder + '/' + option.name;
  if (!option.example.empty()) return without_quotes(option.example);
  if (!option.fallback.empty()) return option.fallback;
  if (!option.minimum.empty()) return option.minimum;
  if (!option.maximum.empty()) return option.maximum;
  switch (option.type) {
    case STANDPIPE_INTEGER:
    case STANDPIPE_FLOAT:
      return "1";
    case STANDPIPE_BOOLEAN:
      return "true";
    case STANDPIPE_DURATION:
      return "1s";
    case STANDPIPE_SIZE:
      return "1MiB";
    case STANDPIPE_ENUM:
      return option.choices.front();
    case STANDPIPE_URL:
      return "http://localhost";
    case STANDPIPE_LIST:
      return "[]";
    case STANDPIPE_MAP:
      return "{}";
    default:
      return "text";
  }
}

Subject::Subject(const Request& request) : request_(request) {}

void Subject::load() {
  if (library_) return;
  enter_call("dlopen");
  library_ = ::dlopen(request_.path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library_) throw Problem{::dlerror()};
}

const standpipe_plugin& Subject::abi() {
  if (abi_) return *abi_;
  load();
  void* entry = ::dlsym(library_, "standpipe_plugin_v1");
  if (!entry) throw Problem{"it does not export standpipe_plugin_v1"};
  enter_call("standpipe_plugin_v1");
  abi_ = reinterpret_cast<standpipe_plugin_v1_function>(entry)();
  if (!abi_) throw Problem{"standpipe_plugin_v1 returned nothing"};
  return *abi_;
}

const plugin::Plugin& Subject::description() {
  if (!description_) description_ = plugin::read_description(abi(), "it");
  return *description_;
}

testing::Options Subject::options(const std::string& suffix) {
  auto options = request_.options;
  const auto folder = std::filesystem::current_path().string();
  for (const auto& option : description().options)
    if (option.required && !options.contains(option.name))
      options[option.name] = sample_text(option, folder);
  for (const auto& option : description().options)
    if (option.type == STANDPIPE_PATH && options.contains(option.name))
      options[option.name] += suffix;
  return options;
}

Instance::Instance(Subject& subject, testing::Lending lending, testing::Shape shape) : host(shape) {
  create(subject, subject.options(), lending);
}

Instance::Instance(Subject& subject, const testing::Options& options) {
  create(subject, options, testing::Lending::lenient);
}

void Instance::create(Subject& subject, const testing::Options& options, testing::Lending lending) {
  host.before_call = enter_call;
  handler_ = std::make_unique<testing::Handler>(subject.abi(), host, options, lending, "checked");
}

Instance& Instance::opened() {
  if (!handler_->created.ok()) throw Problem{"create failed: " + handler_->created.reason};
  const auto answer = handler_->open();
  if (!answer.ok())
    throw Problem{std::string(answer.disconnected() ? "it is disconnected: " : "open failed: ") +
                  (answer.reason.empty() ? "it gave no reason" : answer.reason)};
  return *this;
}

}  // namespace standpipe::conformance
