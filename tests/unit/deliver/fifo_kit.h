// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <standpipe/wire.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/reporter.h"
#include "deliver/delivery.h"
#include "log/log.h"

namespace test {

using namespace standpipe;

class Silent final : public Reporter {
 public:
  void say(const Diagnostic& d) override {
    if (d.severity != Severity::info) reported.push_back(d.code);
  }
  std::vector<std::string> reported;
};

inline std::string framed(const std::string& payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
}

// Whole frames in `bytes`; what is left over goes to `rest`.
inline std::vector<std::string> unframed(std::string_view bytes, std::string* rest = nullptr) {
  std::vector<std::string> payloads;
  while (bytes.size() >= STANDPIPE_WIRE_HEADER_BYTES) {
    const auto length =
        standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(bytes.data()));
    if (bytes.size() - STANDPIPE_WIRE_HEADER_BYTES < length) break;
    payloads.emplace_back(bytes.substr(STANDPIPE_WIRE_HEADER_BYTES, length));
    bytes.remove_prefix(STANDPIPE_WIRE_HEADER_BYTES + length);
  }
  if (rest) *rest = bytes;
  return payloads;
}

// Appends a message for the only delivery of a log, and gives it out. The caller commits.
inline deliver::Range append_and_give_out(log::Log& log, deliver::Delivery& delivery,
                                          const std::string& frame) {
  const std::uint64_t set = 1;
  const auto room = log.room(frame.size());
  REQUIRE(room.size() >= frame.size());
  std::memcpy(room.data(), frame.data(), frame.size());
  log.filled(frame.size());
  const deliver::Range range{
      log.end(), {log.end().position + frame.size(), log.end().sequence + 1}, 1};
  REQUIRE(log.add_run(frame.size(), 1, 1, 1, {&set, 1}));
  ++delivery.edit_tally().matched;
  delivery.give_out(range);
  return range;
}

// The other end of the output's FIFO.
class Reader {
 public:
  explicit Reader(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  std::string read(std::size_t most = 1 << 20) {
    std::string bytes(most, '\0');
    const auto n = ::read(fd_.get(), bytes.data(), most);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }

 private:
  Fd fd_;
};

}  // namespace test
