// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/byte_codec.h"
#include "base/failure.h"
#include "log/disk_log.h"

// How a spill's records are written, for all who write one (log/FORMAT.md).
namespace standpipe::deliver {

// What a record's meta begins with.
enum class SpillRecord : std::uint8_t {
  handlers = 1,  // a list of handlers: its number, how many, their names
  message = 2,   // the number of its list, sequence, accept time; the payload is the frame
  end = 3,       // how many messages there are
  overflow = 4,  // a hub of an earlier version wrote it while it ran: it needs no end
};

// Lists of handlers repeat: each is written before the first message that names it, again after
// kMessagesAList messages that do, and once more at the end. So the damage of one costs no message.
class SpillLists {
 public:
  static constexpr std::uint32_t kMessagesAList = 256;

  // Writes the list if it is due.
  [[nodiscard]] std::optional<Failure> find(log::DiskLog& log,
                                            std::span<const std::string_view> handlers,
                                            std::uint32_t& number) {
    std::string key;
    for (const auto handler : handlers) (key += handler) += '\0';
    auto& list = lists_.try_emplace(std::move(key)).first->second;
    if (list.meta.bytes().empty()) list = new_list(handlers);
    number = list.number;
    if (list.messages++ % kMessagesAList > 0) return std::nullopt;
    return log.append(list.meta.bytes(), {});
  }
  [[nodiscard]] std::optional<Failure> repeat_all(log::DiskLog& log) const {
    for (const auto& [key, list] : lists_)
      if (auto failure = log.append(list.meta.bytes(), {})) return failure;
    return std::nullopt;
  }

 private:
  struct List {
    std::uint32_t number = 0;
    std::uint32_t messages = 0;
    ByteWriter meta = {};  // of its record
  };
  List new_list(std::span<const std::string_view> handlers) {
    List list{.number = next_++};
    list.meta.number(static_cast<std::uint8_t>(SpillRecord::handlers)).number(list.number);
    list.meta.number(static_cast<std::uint32_t>(handlers.size()));
    for (const auto handler : handlers) list.meta.text(handler);
    return list;
  }

  std::unordered_map<std::string, List> lists_;
  std::uint32_t next_ = 0;
};

[[nodiscard]] inline std::optional<Failure> append_message(
    log::DiskLog& log, SpillLists& lists, std::uint64_t sequence, std::uint64_t accepted_ns,
    std::span<const std::string_view> handlers, std::span<const std::span<const std::byte>> frame,
    std::span<const std::byte> fields) {
  std::uint32_t number = 0;
  if (auto failure = lists.find(log, handlers, number)) return failure;
  ByteWriter meta;
  meta.number(static_cast<std::uint8_t>(SpillRecord::message))
      .number(number)
      .number(sequence)
      .number(accepted_ns);
  return log.append(meta.bytes(), frame, fields);
}

[[nodiscard]] inline std::optional<Failure> append_end(log::DiskLog& log, const SpillLists& lists,
                                                       std::uint64_t messages) {
  if (auto failure = lists.repeat_all(log)) return failure;
  ByteWriter meta;
  meta.number(static_cast<std::uint8_t>(SpillRecord::end)).number(messages);
  return log.append(meta.bytes(), {});
}

}  // namespace standpipe::deliver
