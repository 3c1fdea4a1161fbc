// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <standpipe/plugin.hpp>

struct Settled {
  std::uint64_t ticket;
  std::uint32_t first, count, outcome;
  std::string why;
  bool operator==(const Settled&) const = default;
};

// A host that only settles.
class SettlingHost {
 public:
  SettlingHost() {
    host_.size = sizeof host_;
    host_.self = this;
    host_.extension = [](void* self, standpipe_string) -> const void* {
      return &static_cast<SettlingHost*>(self)->power_;
    };
    power_.size = sizeof power_;
    power_.settle = [](void* self, std::uint64_t ticket, std::uint32_t first, std::uint32_t count,
                       std::uint32_t outcome, standpipe_string why) {
      static_cast<SettlingHost*>(self)->settled.push_back(
          {ticket, first, count, outcome, std::string(why.data, why.size)});
    };
  }
  standpipe::Host face() const { return standpipe::Host(&host_); }
  std::vector<Settled> settled;

 private:
  standpipe_host host_{};
  standpipe_settle power_{};
};
