// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"
#include "library.h"

namespace nats {

// How a message of the hub becomes one of NATS: its subject, its headers and its id. One thread at
// a time.
class Letters {
 public:
  explicit Letters(const standpipe::Options& options);

  const std::string& fixed_subject() const { return fixed_subject_; }  // empty: messages choose it
  // The copy of a message that is published. `number` travels with it as its reply subject, which
  // is not sent: what JetStream publishes gets another one. Throws standpipe::reject.
  Owned<natsMsg> letter(const standpipe::Message& message, std::uint64_t number);

 private:
  std::string filled(const common::Template& whole, const char* option);
  void add_headers(natsMsg* letter, const standpipe::Message& message);
  std::string id(const standpipe::Message& message);

  common::Fields fields_;
  common::Template subject_;
  std::string fixed_subject_;
  std::vector<std::pair<std::string, common::Template>> headers_;
  bool has_metadata_;
  bool has_default_id_;
  std::optional<common::Template> id_;
  std::string stream_;
};

}  // namespace nats
