// SPDX-License-Identifier: Apache-2.0
#include "headers.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace nats {

namespace {

struct Free {
  void operator()(const char** it) const { std::free(it); }
};
using Texts = std::unique_ptr<const char*, Free>;

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

// The library also removes blanks at the ends of a value: they are not what HTTP calls content.
bool is_value(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

bool is_left_out(std::string_view name) {
  if (name.starts_with("Nats-")) return true;
  return name == kSubject || name == kStream || name == kStreamSequence || name == kNumDelivered;
}

void add_header(natsMsg* message, const std::string& name, const std::string& value) {
  if (!is_name(name))
    throw standpipe::reject("the metadata '" + name +
                            "' has no name that a NATS header may have; metadata: false leaves "
                            "metadata out");
  if (!is_value(value))
    throw standpipe::reject("the value of '" + name +
                            "' has a line end or a zero byte, which a NATS header cannot have; "
                            "metadata: false leaves metadata out");
  if (natsMsgHeader_Add(message, name.c_str(), value.c_str()) != NATS_OK) throw std::bad_alloc();
}

void read_headers(natsMsg* message, std::vector<standpipe::Pair>& into) {
  const char** keys = nullptr;
  int key_count = 0;
  if (natsMsgHeader_Keys(message, &keys, &key_count) != NATS_OK) return;  // it has none
  const Texts own_keys(keys);
  for (int k = 0; k < key_count; ++k) {
    const char** values = nullptr;
    int value_count = 0;
    if (natsMsgHeader_Values(message, keys[k], &values, &value_count) != NATS_OK) continue;
    const Texts own_values(values);
    for (int v = 0; v < value_count; ++v) into.emplace_back(keys[k], values[v]);
  }
}

}  // namespace nats
