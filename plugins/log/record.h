// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string_view>

#include "common/spool.h"

// How a message lies in the file.
//   frames  as on the wire (standpipe/wire.h): every byte kept; the file can be fed back into a FIFO
//   lines   payload and a newline; a newline inside the payload is written as the two characters \n, so that a message is a line
//   jsonl   an object a line, every byte kept
enum class Format { frames, lines, jsonl };

Format format_of(std::string_view name);
void append_record(common::Spool& out, Format format, const standpipe::Message& message);
