// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/wire.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "files.h"
#include "kit.h"

namespace kit {

inline std::string frame(const std::string& payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(header, header + sizeof header) + payload;
}

// A log in a folder of its own.
struct LogFixture {
  Folder folder;
  std::string path = folder / "x.log";
  Host host;
  std::optional<Handler> log;

  Status try_open(Options options) {
    options.emplace("path", path);
    log.emplace(load("log"), host, options);
    return log->created.ok() ? log->open() : log->created;
  }
  void open(const Options& options) {
    const auto answer = try_open(options);
    INFO(answer.reason);
    REQUIRE(answer.ok());
  }
  // How many were settled as delivered.
  std::size_t append(const std::vector<std::string>& payloads) {
    const auto answer = log->handle(payloads);
    INFO(answer.reason);
    CHECK(answer.all(STANDPIPE_DELIVERED));
    return answer.settled;
  }
  Status reopen() { return log->reopen(); }
  Status flush() { return log->flush(); }
  void close() { log->close(); }
  void drop() { log.reset(); }
  std::string content(const std::string& suffix = {}) const { return read_file(path + suffix); }
  bool exists(const std::string& suffix) const { return std::filesystem::exists(path + suffix); }
};

}  // namespace kit
