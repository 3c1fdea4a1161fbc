// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "deliver/shared_memory.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// What a plugin may make in one call.
struct MakeCredit {
  std::uint32_t messages = 0;
  std::uint64_t bytes = 0;             // of frames, metadata, and what a block of it takes
  std::uint64_t bytes_max = 0;         // that a call could ever be given
  std::uint64_t message_size_max = 0;  // of a payload
  std::uint64_t next_sequence = 0;     // of the first message

  // The largest message with its metadata, or what is usual.
  static std::uint64_t bytes_max_for(std::uint64_t message_size_max);
};

// A message that a plugin made: a handler emitted it, or a source put it. Borrowed.
struct MadeMessage {
  std::uint32_t of = STANDPIPE_OF_NONE;  // which message of the batch it was made of
  std::span<const std::byte> payload;
  std::span<const std::byte> fields;  // its metadata, as log::FieldReader reads it
};

// What a plugin made in one call, and where its source goes on after that. Plain memory, which a
// process of the plugin's own may share: it writes there at any time and whatever it likes, so
// what is read of it is checked. A death loses it, and then nothing was made.
//
// It is as large as the largest message, of address space; what is touched beyond kKeptBytes is
// given back after the call.
class MadeRegion {
 public:
  static constexpr std::size_t kKeptBytes = 1 * MiB;

  // Throws Failure.
  explicit MadeRegion(std::uint64_t message_size_max);
  explicit MadeRegion(Fd file);  // in the plugin's process

  int fd() const { return memory_.fd(); }
  void close_file() { memory_.close_file(); }  // it stays mapped

  // ---- what a call left. The loop, or whoever has made the call.
  void clear();
  std::uint32_t count() const;
  // What one more message would have taken, together with those that are here; 0: all had room.
  std::uint64_t wanted() const;
  // All messages; nullopt: these are none. Valid until `clear`, or as long as `copy` is as it was:
  // what a process may change at any time is copied there before it is looked at.
  std::optional<std::vector<MadeMessage>> messages(std::vector<std::byte>* copy = nullptr) const;
  std::optional<std::string> resume() const;

 private:
  friend class MessageMaker;
  struct Header {
    std::uint32_t count;
    std::uint32_t has_resume;
    std::uint64_t used;  // bytes of records
    std::uint64_t wanted;
    std::uint64_t resume_bytes;
    char resume[STANDPIPE_RESUME_BYTES_MAX];
  };
  // Before the payload and the fields of each message, which are padded to 8 bytes together.
  struct Record {
    std::uint64_t payload_bytes;
    std::uint32_t of;
    std::uint32_t fields_bytes;
  };
  static constexpr std::size_t kHeaderBytes = (sizeof(Header) + 63) / 64 * 64;
  static std::uint64_t file_bytes(std::uint64_t message_size_max);
  Header& header() const { return *reinterpret_cast<Header*>(memory_.base()); }
  std::span<std::byte> records() const {
    return {memory_.base() + kHeaderBytes, memory_.bytes() - kHeaderBytes};
  }

  SharedMemory memory_;
};

// Writes messages into a region in the plugin's place, during one call and in its thread.
class MessageMaker final : public plugin::MessageTaker {
 public:
  // What one message of a batch makes is bounded: it has to find room in one call.
  static constexpr std::uint32_t kMessagesMax = STANDPIPE_EMITTED_MAX;

  static constexpr std::uint64_t kBlockHeadBytes = 16;  // of a metadata block, and 4 a message
  // What a message takes of the credit: of a log, and of a metadata block.
  static std::uint64_t cost_of(std::uint64_t payload_bytes, std::uint64_t fields_bytes);

  explicit MessageMaker(MadeRegion& region) : region_(region) {}

  // `batch`: what is made of its messages inherits their metadata; nullptr: there is none.
  void begin(const MakeCredit& credit, const standpipe_batch* batch = nullptr);
  void end() { caller_.store({}, std::memory_order_relaxed); }
  bool is_in_call() const override {
    return caller_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  // Outside of a call, and from other threads, FULL.
  std::uint32_t take(std::uint32_t of, const standpipe_out& message) override;
  std::uint64_t last_sequence() const override {
    return credit_.next_sequence + region_.header().count - 1;
  }
  bool resume(std::string_view text) override;

 private:
  std::span<const standpipe_pair> inherited(std::uint32_t of) const;
  bool gather_fields(std::uint32_t of, const standpipe_out& message);
  std::uint32_t full(std::uint32_t of, std::uint64_t cost);

  MadeRegion& region_;
  MakeCredit credit_;
  const standpipe_batch* batch_ = nullptr;
  std::atomic<std::thread::id> caller_ = {};  // whose call is in progress; none: nobody's
  std::uint64_t cost_ = 0;                    // of what was made in this call, of its credit
  std::uint32_t first_of_ = 0;                // what the first message was made of
  bool is_of_one_ = true;                     // and all others, too
  std::vector<std::byte> fields_;             // of the message that is being made
};

}  // namespace standpipe::deliver
