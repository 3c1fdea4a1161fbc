// SPDX-License-Identifier: Apache-2.0
#include "deliver/relay.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/limits.h"

namespace standpipe::deliver {
namespace {

constexpr std::size_t kPacketMax = 4096;       // pipe(2): PIPE_BUF; larger writes are split
constexpr std::size_t kWorthwhile = 16 * KiB;  // less is copied as quickly as its pages are counted
constexpr unsigned kLargeTurns = 64;

}  // namespace

Relay::Relay(log::Memory& memory, const std::string& source, int fifo, const Delivery& delivery)
    : delivery_(delivery), kept_(memory, "relay/" + source) {
  struct stat st {};
  if (::fstat(fifo, &st) != 0) return;
  mode_ = st.st_mode & 07777;
  // An access list grants no more than the group's bits, its mask.
  own_ = st.st_uid == ::geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::optional<std::string> Relay::refused() const {
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", mode_);
  if (!own_) return "others may write to its FIFO (mode " + std::string(mode.data()) + ")";
  if (kept_->packets) return "a writer writes packets (O_DIRECT)";
  return {};
}

bool Relay::waits_for(const Output& output) const {
  return is_on(output) && (output.stage_room() < output.stage_bytes() / 2 || !output.is_all_written(delivery_));
}

// Pages come as writers filled them, and one that is not full takes a slot of the stage, too.
std::size_t Relay::most(const Output& output, std::uint64_t frame_bytes) {
  if (frame_bytes > output.stage_bytes() / 2)
    large_ = kLargeTurns;
  else if (large_ > 0)
    --large_;
  return is_on(output) ? std::max(kWorthwhile, output.stage_room() / 4 * 3) : ~std::size_t{0};
}

void Relay::lay(Output& output, const Pipe& stage, std::size_t bytes) {
  if (!is_on(output) || bytes < kWorthwhile) return;
  if (const auto laid = output.lay_ahead(delivery_, stage, bytes - kPacketMax)) kept_.edit().bytes += laid;
}

void Relay::looked(Output& output, bool packets) {
  if (!packets || kept_->packets) return;
  kept_.edit().packets = 1;
  output.forget_ahead();
}

}  // namespace standpipe::deliver
