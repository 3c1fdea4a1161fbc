// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace standpipe {

// A store that neither the compiler nor a kill can move before the statements above it or after
// those below it: for words that another process reads after this one died. (A release store alone
// would let later stores pass it.)
template <class Word>
void store_in_order(Word& word, Word value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(word).store(value, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace standpipe
