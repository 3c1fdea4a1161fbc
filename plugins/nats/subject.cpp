// SPDX-License-Identifier: Apache-2.0
#include "subject.h"

namespace nats {

namespace {

constexpr std::size_t kBytesMost = 1024;  // the protocol's line has 4 KiB by default

std::string token_fault(std::string_view token) {
  if (token.empty()) return "it has an empty token";
  if (token == "*" || token == ">") return "it has a wildcard";
  return "";
}

}  // namespace

std::string subject_fault(std::string_view subject, bool may_be_of_the_server) {
  if (subject.empty()) return "it is empty";
  if (subject.size() > kBytesMost)
    return "it is longer than " + std::to_string(kBytesMost) + " bytes";
  for (const char c : subject)
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f')
      return "it has a space or a control character";
  if (subject.front() == '$' && !may_be_of_the_server)
    return "subjects that begin with $ are the server's own";
  for (std::size_t begin = 0; begin <= subject.size();) {
    const auto end = std::min(subject.find('.', begin), subject.size());
    auto fault = token_fault(subject.substr(begin, end - begin));
    if (!fault.empty()) return fault;
    begin = end + 1;
  }
  return "";
}

}  // namespace nats
