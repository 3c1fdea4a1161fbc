// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/call.hpp: how the kit calls a plugin: nothing may be thrown out of a call, and
// a reason must fit. Part of testing.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing/host.hpp>
#include <standpipe/testing/message.hpp>
#include <standpipe/testing/region.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

namespace standpipe::testing {

// The plugin broke the contract in a way that a hub might not survive; says what it did.
struct BrokenContract : std::logic_error {
  using std::logic_error::logic_error;
};

namespace detail {

template <class Body>
void guarded(const Host& host, const char* call, Body body) {
  if (host.before_call) host.before_call(call);
  try {
    body();
  } catch (const std::exception& e) {
    throw BrokenContract(std::string(call) + " threw an exception: " + e.what());
  } catch (...) {
    throw BrokenContract(std::string(call) + " threw something");
  }
}

inline std::string text_of(const char* call, const standpipe_reason& reason) {
  if (reason.length > sizeof reason.text)
    throw BrokenContract(std::string(call) + " gave a reason of " + std::to_string(reason.length) +
                         " bytes");
  return std::string(reason.text, reason.length);
}

// A call that answers for the whole instance.
template <class Call>
Status status(const Host& host, const char* name, Call call) {
  const Region lent(sizeof(standpipe_reason));
  auto* reason = lent.as<standpipe_reason>();
  Status answer;
  guarded(host, name, [&] { answer.answer = call(reason); });
  answer.reason = text_of(name, *reason);
  return answer;
}

// The plugin's functions, as far as it has them.
template <class Functions>
Functions functions_of(const Functions* given, const char* what) {
  if (!given) throw std::invalid_argument(std::string("the plugin offers no ") + what);
  Functions functions{};
  std::memcpy(&functions, given, std::min<std::size_t>(given->size, sizeof functions));
  return functions;
}

}  // namespace detail
}  // namespace standpipe::testing
