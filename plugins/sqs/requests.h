// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

constexpr std::size_t kEntriesMax = 10;  // of a request, by SQS
// How often a request that was throttled, or had no good answer, is sent before the connection
// counts as lost.
constexpr std::size_t kAttemptsMost = 4;
