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

// The kernel splits packets by pages.
const std::size_t kPacketMax =
    std::max<std::size_t>(4096, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
constexpr std::size_t kWorthwhile = 16 * KiB;  // less is copied as quickly as its pages are counted
constexpr unsigned kLargeTurns = 64;

}  // namespace

Relay::Relay(state::Memory& memory, const std::string& source, int fifo, const Delivery& delivery)
    : delivery_(delivery), fifo_(fifo), persistent_(memory, "relay/" + source) {
  read_mode();
}

void Relay::read_mode() {
  own_ = false;
  struct stat st {};
  if (::fstat(fifo_, &st) != 0) return;
  mode_ = st.st_mode & 07777;
  // An access list grants no more than the group's bits, its mask.
  own_ = st.st_uid == ::geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::optional<std::string> Relay::refused() const {
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", mode_);
  if (!own_) return "others may write to its FIFO (mode " + std::string(mode.data()) + ")";
  if (persistent_->packets) return "a writer writes packets (O_DIRECT)";
  return {};
}

bool Relay::waits_for(const Output& output) const {
  const auto& fifo = *output.fifo();
  return is_on(output) && fifo.is_busy_with(delivery_) &&
         (fifo.stage_room() < fifo.stage_bytes() / 2 || !fifo.is_all_written(delivery_));
}

// Pages come as writers filled them, and a page that is not full takes a slot of the stage, too.
std::size_t Relay::most(const Output& output, std::uint64_t frame_bytes) {
  if (frame_bytes > output.fifo()->stage_bytes() / 2)
    large_ = kLargeTurns;
  else if (large_ > 0)
    --large_;
  return is_on(output) ? std::max(kWorthwhile, output.fifo()->stage_room() / 4 * 3)
                       : ~std::size_t{0};
}

void Relay::prefetch(Output& output, const Pipe& stage, std::size_t bytes) {
  if (!is_on(output) || bytes < std::max(kWorthwhile, 2 * kPacketMax)) return;
  read_mode();
  if (own_) output.fifo()->prefetch(delivery_, stage, bytes - kPacketMax);
}

void Relay::on_stage_read(Output& output, bool packets) {
  if (!packets || persistent_->packets) return;
  persistent_.edit().packets = 1;
  output.fifo()->drop_prefetched();
}

}  // namespace standpipe::deliver
