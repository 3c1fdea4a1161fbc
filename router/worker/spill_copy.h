// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "deliver/delivery.h"
#include "deliver/remaining.h"
#include "deliver/spill.h"
#include "log/position.h"
#include "worker/spill_queue.h"

namespace standpipe::worker {

// The spill that a stop writes: what deliveries of one source still want of its log, and between
// that, where feeding was cut, what earlier runs left and was not fed. So a message that is older
// comes first. Nothing is written while nothing is left.
class SpillCopy {
 public:
  // `handlers`: names, by the bits of the source's deliveries.
  SpillCopy(std::string data_dir, std::string source, std::span<const std::string> handlers)
      : data_dir_(std::move(data_dir)), source_(std::move(source)), handlers_(handlers) {}

  // `cut`: after the last message that was fed; nullopt: feeding goes on, so what was not fed is
  // younger than all the log has. Returns how many were not fed. Throws Failure; then what was
  // written is gone.
  std::uint64_t write(std::span<const deliver::Delivery* const> deliveries,
                      std::optional<log::Position> cut, SpillQueue& unfed);
  // Whether there was anything to write.
  bool has_file() const { return writer_.has_value(); }
  const std::string& path() const { return writer_->path(); }
  // On the disk under its name, when it returns. Throws Failure.
  void finish();

 private:
  std::uint64_t add_unfed(SpillQueue& unfed);
  void add(const deliver::SavedMessage& message, std::span<const std::string_view> handlers);

  std::string data_dir_, source_;
  std::span<const std::string> handlers_;
  std::optional<deliver::SpillWriter> writer_;
};

}  // namespace standpipe::worker
