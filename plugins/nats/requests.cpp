// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include <algorithm>
#include <cstdlib>

namespace nats {

namespace {

using namespace std::chrono_literals;

constexpr auto kExpires = 20s;
constexpr auto kGrace = 10s;

std::string_view header(natsMsg* message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message, name, &value) == NATS_OK && value ? value : "";
}

}  // namespace

int Requests::wanted() const {
  const int room = bounds_.messages - open_;
  return room >= std::max(bounds_.messages / 2, 1) ? room : 0;
}

std::string Requests::ask(int messages, Clock::time_point now) {
  open_ += messages;
  asked_ = now;
  return R"({"batch":)" + std::to_string(messages) + R"(,"max_bytes":)" +
         std::to_string(bounds_.bytes) + R"(,"expires":)" +
         std::to_string(std::chrono::nanoseconds(kExpires).count()) + "}";
}

std::string Requests::status(natsMsg* message) {
  if (natsMsg_IsNoResponders(message)) return "nobody answers for the consumer";
  const auto code = header(message, "Status");
  if (code == "100") return "";
  const auto left = header(message, "Nats-Pending-Messages");
  const bool has_count = !left.empty();
  open_ = has_count ? std::max(open_ - std::atoi(left.data()), 0) : 0;
  if (code == "408" || code == "404" || (code == "409" && has_count)) return "";
  const auto what = header(message, "Description");
  return "the server ended the request: " + (what.empty() ? std::string(code) : std::string(what));
}

bool Requests::is_silent(Clock::time_point now) const {
  return open_ > 0 && now - asked_ > kExpires + kGrace;
}

}  // namespace nats
