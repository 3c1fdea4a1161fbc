// SPDX-License-Identifier: Apache-2.0
#include "acknowledgements.h"

namespace unix_socket {

namespace {

constexpr std::size_t kRunMessages = 64;

}  // namespace

void Acknowledgements::add(std::uint64_t sequence, ClientId client, std::uint64_t number) {
  last_ = sequence;
  if (is_run_open_ && runs_.back().client == client && runs_.back().messages < kRunMessages) {
    auto& run = runs_.back();
    run.sequence = sequence;
    run.number = number;
    ++run.messages;
    return;
  }
  runs_.push_back({sequence, number, client, 1});
  is_run_open_ = true;
}

void Acknowledgements::clear() {
  runs_.clear();
  last_ = safe_ = 0;
  is_run_open_ = false;
}

}  // namespace unix_socket
