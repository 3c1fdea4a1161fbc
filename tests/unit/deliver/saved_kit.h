// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "base/folder.h"
#include "base/reporter.h"
#include "deliver/dead_letters.h"
#include "deliver/saved_file.h"
#include "deliver/spill.h"
#include "deliver/spill_format.h"
#include "log/disk_log.h"
#include "old_overflow.h"
#include "temporary_folder.h"

namespace test {

// A data_dir with files that hubs left in it. Each message has a sequence from 1 on, and was
// accepted ten times that many nanoseconds after 1970.
class SavedKit {
 public:
  using Texts = std::vector<std::string>;

  std::string spill(const std::string& source, const Texts& payloads) {
    standpipe::deliver::SpillWriter writer(folder.path(), source);
    std::uint64_t n = 0;
    const std::string_view handlers[] = {"a", "b"};
    for (const auto& payload : payloads) {
      const auto frame = frame_of(payload);
      const auto bytes = std::as_bytes(std::span(frame));
      ++n;
      REQUIRE_FALSE(writer.add(n, n * 10, handlers, {&bytes, 1}));
    }
    REQUIRE_FALSE(writer.finish());
    return writer.path();
  }
  // As a hub of an earlier version leaves it, when it is killed.
  std::string overflow(const std::string& source, const Texts& payloads) {
    return test::old_overflow(folder.path(), source, "a", payloads);
  }
  // A segment of a handler's queue, whose first message has that number.
  std::string queue(const std::string& source, const std::string& handler, std::uint64_t first,
                    const Texts& payloads) {
    using namespace standpipe;
    const auto path = folder / "queue/" + as_file_name(source) + '/' + as_file_name(handler) + '/' +
                      std::to_string(first) + ".log";
    make_private_folders(folder_of(path));
    auto log = log::DiskLog::open(path, log::DiskLog::Access::append);
    std::uint64_t n = 0;
    for (const auto& payload : payloads) {
      const auto frame = frame_of(payload);
      const auto bytes = std::as_bytes(std::span(frame));
      ByteWriter meta;
      meta.number(std::uint8_t{1}).number(first + n).number(n + 1).number((n + 1) * 10);
      ++n;
      REQUIRE_FALSE(log.append(meta.bytes(), {&bytes, 1}));
    }
    REQUIRE_FALSE(log.sync());
    return path;
  }
  std::string letter(const std::string& payload) {
    using namespace standpipe;
    const deliver::DeadLetter letter{.source = "in",
                                     .handler = "a",
                                     .sequence = ++letters_,
                                     .payload = std::as_bytes(std::span(payload))};
    deliver::DeadLetters file(folder.path(), 7, quiet_);
    REQUIRE_FALSE(file.put({&letter, 1}));
    return deliver::DeadLetters::path_in(folder.path());
  }
  // Of the i-th file that is found: "SEQUENCE@ACCEPTED HANDLERS: PAYLOAD" each.
  Texts messages(std::size_t i) const {
    standpipe::deliver::SavedReader reader(standpipe::deliver::saved_files(folder.path()).at(i));
    Texts all;
    while (const auto message = reader.next()) {
      std::string handlers;
      for (const auto& handler : message->handlers)
        handlers += (handlers.empty() ? "" : ",") + handler;
      const auto payload = standpipe::deliver::payload_of(*message);
      all.push_back(std::to_string(message->sequence) + '@' + std::to_string(message->accepted_ns) +
                    ' ' + handlers + ": " +
                    std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
    }
    return all;
  }
  Texts damage(std::size_t i) const {
    return standpipe::deliver::SavedReader(standpipe::deliver::saved_files(folder.path()).at(i))
        .damage();
  }
  static void change(const std::string& path, const std::string& from, const std::string& to) {
    std::ifstream in(path, std::ios::binary);
    std::string content(std::istreambuf_iterator<char>(in), {});
    const auto at = content.find(from);
    REQUIRE(at != std::string::npos);
    content.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }

  TemporaryFolder folder;

 private:
  class Quiet final : public standpipe::Reporter {
    void say(const standpipe::Diagnostic&) override {}
  };
  static std::string frame_of(const std::string& payload) {
    standpipe::ByteWriter length;
    length.number(static_cast<std::uint32_t>(payload.size()));
    return std::string(reinterpret_cast<const char*>(length.bytes().data()), 4) + payload;
  }

  Quiet quiet_;
  std::uint64_t letters_ = 0;
};

}  // namespace test
