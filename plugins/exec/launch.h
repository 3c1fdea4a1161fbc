// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

// How a program is started. Lent for the call.
struct Launch {
  const std::vector<std::string>& words;        // the program and its arguments
  const std::vector<std::string>& environment;  // "NAME=value"
  const std::string& folder;
  int in, out, err;  // its standard streams
};

struct Launched {
  pid_t pid = -1;           // -1: it was not started
  bool is_lasting = false;  // only a person can mend what is wrong
  std::string reason;
};

// Starts the program, in a process group of its own and with signals as a shell would leave them.
// It is killed when the calling thread ends, so that thread must live as long as the program. Its
// memory is not copied (vfork), since a hub may be large. Returns when the program runs or could
// not be executed.
Launched launch(const Launch& request);
