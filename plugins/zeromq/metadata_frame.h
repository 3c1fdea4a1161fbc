// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

// The frame of metadata: name, value, name, value ..., each its length (4 bytes, little endian) and
// its bytes, as the frames of a FIFO are.
void append_pair(std::string& frame, std::string_view name, std::string_view value);

// Appends the pairs, which are borrowed from the frame. false: it is no such frame.
bool read_pairs(std::string_view frame, std::vector<standpipe_pair>& pairs);
