// SPDX-License-Identifier: Apache-2.0
#include "common/refused_address.h"

#include <cerrno>
#include <standpipe/plugin.hpp>

namespace common {

void throw_refused_address(int error, const std::string& what, std::string_view option) {
  switch (error) {
    case EADDRINUSE:
      throw standpipe::disconnected(what + "; another program uses it");
    case EADDRNOTAVAIL:
    case ENODEV:
      throw standpipe::disconnected(what + "; no interface of this machine has that address");
    case EACCES:
      throw standpipe::fatal(what + "; choose a port above 1023, or a folder that may be written");
    case ENOENT:
      throw standpipe::fatal(what + "; the folder of the path does not exist");
    default:
      throw standpipe::fatal(what + "; " + std::string(option) + " has it");
  }
}

}  // namespace common
