// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/open.hpp>
#include <string>

#include "base/failure.h"
#include "base/fd.h"

// Every path that the router writes to, or reads messages from, is opened by the rules of
// standpipe/open.hpp; this is their face in the router. Exceptions are fixed paths (/dev/null,
// /proc) and files that a person names on a command line to be read.
namespace standpipe {

// Its own remedy, or else `help`.
Failure failure_of(const paths::Problem& problem, const std::string& help = {});

// Throws Failure.
Fd fd_of(paths::Opened opened, const std::string& help = {});

// For files in data_dir: they are the hub's own, so a symbolic link in the place of one is nothing
// that it made.
paths::Rules own_file();

}  // namespace standpipe
