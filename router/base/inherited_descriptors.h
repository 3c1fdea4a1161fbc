// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace standpipe {

// Which descriptor a path names: "/dev/fd/63", "/proc/self/fd/63". Shells give such paths for <(command) and >(command).
std::optional<int> descriptor_in(std::string_view path);

// Closes what the caller had open and passed on without meaning to: everything above standard error but what these words of the
// command line name. A FIFO that the caller's shell holds open would make a hub a writer of its own source, which then never sees
// its last writer leave. To be called before anything is opened.
void close_inherited_descriptors(std::span<const std::string> words);

// What a service manager handed over for a program that listens (LISTEN_FDS), which a hub has no use for. 0: nothing.
int listen_descriptors();

}  // namespace standpipe
