// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/json_edit.h"
#include "common/json_text.h"
#include "common/template.h"

namespace transform {

// What a field is set to: JSON that is always the same, the bytes of another field, or a text that
// each message fills.
class Value {
 public:
  // Throws standpipe::fatal that names the option.
  explicit Value(std::string_view text);
  // nullopt: the message lacks what it is made of. `came`: the message as it came.
  std::optional<std::string> json(const common::JsonEdit& came, common::Fields& fields) const;

 private:
  const common::JsonPointer* copied() const;

  common::Template text_;
  std::string constant_;  // JSON; empty: it hangs on the message
};

// The changes of a JSON payload that the options ask for, in this order: pick, remove, rename, set.
// Each sees what the ones before it left; what is set is made of the message as it came.
class Changes {
 public:
  explicit Changes(const standpipe::Options& options);
  bool empty() const {
    return picks_.empty() && removed_.empty() && renamed_.empty() && set_.empty();
  }
  // `json` must be what JsonText::parse has taken; `fields` looks at the message that has it.
  // Throws standpipe::reject.
  std::string apply(std::string_view json, common::Fields& fields) const;

 private:
  struct Rename {
    common::JsonPointer from;
    std::string to;
  };
  struct Set {
    common::JsonPointer at;
    std::string written;  // of the pointer
    Value value;
  };
  common::JsonPicks picks_;
  std::vector<common::JsonPointer> removed_;
  std::vector<Rename> renamed_;
  std::vector<Set> set_;
};

}  // namespace transform
