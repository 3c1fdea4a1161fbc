// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "deliver/call_page.h"
#include "deliver/child_wire.h"
#include "plugin/handler.h"

namespace standpipe::child {

// What a plugin in a child may ask of the hub: each question goes over the socket to the worker,
// except for the time, and whether the hub stops, which is in the page. Any thread.
class RemoteHost final : public plugin::HostServices {
 public:
  // `services` is borrowed.
  RemoteHost(int services, const deliver::CallPage& page) : services_(services), page_(page) {}

  void log(std::uint32_t level, std::string_view text) override;
  std::uint64_t now() override;
  bool stopping() override;
  std::uint32_t add_fifo(const plugin::FifoOutputRequest& request, std::string& why) override;
  std::uint32_t add_file(const plugin::FileOutputRequest& request, std::string& why) override;
  bool send_all(std::uint32_t output) override;
  bool send_all_until(std::uint32_t output, std::uint64_t bytes, std::uint64_t time_ns) override;
  void settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
              std::string_view why) override;

 private:
  deliver::ServiceAnswer ask(const deliver::ServiceRequest& request, int file = -1);

  int services_;
  const deliver::CallPage& page_;
  SystemClock clock_;
  std::mutex mutex_;  // one question at a time, so that each has its own answer
};

}  // namespace standpipe::child
