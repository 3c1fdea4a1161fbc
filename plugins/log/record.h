// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string_view>

#include "common/json.h"
#include "common/spool.h"

// How a message lies in the file.
//   frames  as on the wire (standpipe/wire.h): every byte is kept, and the file can be sent into a
//           FIFO again
//   lines   the payload and a newline; a newline inside the payload is written as two characters,
//           \n, so that each message is one line
//   jsonl   an object a line, every byte kept
enum class Format { frames, lines, jsonl };

Format format_of(std::string_view name);

class Records {
 public:
  explicit Records(Format format) : format_(format) {}
  void append(common::Spool& out, const standpipe::Message& message);

 private:
  Format format_;
  common::JsonLines json_;
};
