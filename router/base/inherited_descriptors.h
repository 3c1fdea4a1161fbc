// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace standpipe {

// Which descriptor a path names: "/dev/fd/63", "/proc/self/fd/63". Shells give such paths for
// <(command) and >(command).
std::optional<int> descriptor_in(std::string_view path);

// Closes descriptors that the caller passed on by accident: everything above standard error except
// what these words of the command line name. If the caller's shell holds a FIFO open, the hub would
// become a writer of its own source and never see the last writer leave. Call it before anything is
// opened.
void close_inherited_descriptors(std::span<const std::string> words);

// How many sockets a service manager handed over (LISTEN_FDS), for which a hub has no use. 0: none.
int listen_descriptors();

}  // namespace standpipe
