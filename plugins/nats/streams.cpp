// SPDX-License-Identifier: Apache-2.0
#include "streams.h"

#include <standpipe/plugin.hpp>

#include "refusal.h"

namespace nats {

std::string jetstream_fault(natsStatus, int code) {
  if (code == kNotEnabled)
    return "the server has no JetStream: start it with -js, or a jetstream { } block";
  if (code == kNotEnabledForAccount)
    return "JetStream is not enabled for this account: enable it, or use another user";
  return "";
}

StreamOfSubject find_stream(jsCtx* context, const std::string& subject) {
  std::string escaped;  // the library puts it into JSON as it is
  for (const char c : subject) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Info.SubjectsFilter = escaped.c_str();
  jsErrCode code{};
  jsStreamNamesList* list = nullptr;
  const auto status = js_StreamNames(&list, context, &options, &code);
  const Owned<jsStreamNamesList> owner(list);
  if (status == NATS_NOT_FOUND || (status == NATS_OK && list->Count == 0)) return {Found::no};
  if (status == NATS_OK) return {Found::yes, list->List[0]};
  const auto fault = jetstream_fault(status, static_cast<int>(code));
  if (!fault.empty()) throw standpipe::fatal(fault);
  return {Found::unknown, "", error_text(status)};
}

}  // namespace nats
