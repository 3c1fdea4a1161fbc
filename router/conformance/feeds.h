// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "conformance/subject.h"

namespace standpipe::conformance {

// Three ordinary messages.
std::vector<testing::Message> ordinary_batch();
// Every byte value, NULs and text that is not UTF-8, in payloads, metadata and the source's name.
std::vector<testing::Message> odd_batch();
std::vector<testing::Message> random_batch(std::mt19937_64& random);

// Handles a batch, whatever the answer. What breaks the contract throws.
testing::Answer feed(Instance& instance, std::vector<testing::Message> messages,
                     testing::Feed how = {});

// Throws Problem where an answer has what no host knows.
void check_answer(const testing::Answer& answer);

}  // namespace standpipe::conformance
