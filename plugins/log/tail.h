// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "record.h"

// Makes the end of a log file whole again, after whoever wrote it was stopped in the middle of a record: a frame cut short is cut
// off, a line cut short is finished with a newline. Returns what was done, for the operator; empty when all was well.
//
// Throws standpipe::fatal when the file does not look like frames at all: cutting at the first odd length would destroy
// somebody's text.
std::string repair_tail(int fd, const std::string& path, Format format);
