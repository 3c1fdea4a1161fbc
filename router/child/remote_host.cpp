// SPDX-License-Identifier: Apache-2.0
#include "child/remote_host.h"

#include <atomic>

namespace standpipe::child {

using deliver::Service;
using deliver::ServiceRequest;

void RemoteHost::log(std::uint32_t level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  (void)deliver::send_request(
      services_, {.service = Service::log, .number = level, .text = std::string(text)});
}

std::uint64_t RemoteHost::now() { return static_cast<std::uint64_t>(clock_.wall().count()); }

bool RemoteHost::stopping() {
  return std::atomic_ref(const_cast<std::uint32_t&>(page_.stopping))
             .load(std::memory_order_relaxed) != 0;
}

std::uint32_t RemoteHost::add_fifo(const plugin::FifoOutputRequest& request, std::string& why) {
  const auto flag = [](bool is_set, ServiceRequest::Flag which) {
    return is_set ? static_cast<std::uint32_t>(which) : 0u;
  };
  auto answer = ask({.service = Service::add_fifo,
                     .mode = request.mode,
                     .flags = flag(request.create, ServiceRequest::create) |
                              flag(request.resend, ServiceRequest::resend) |
                              flag(request.trust_others, ServiceRequest::trust_others) |
                              flag(request.mode_given, ServiceRequest::mode_given),
                     .text = request.path});
  why = std::move(answer.why);
  return answer.number;
}

std::uint32_t RemoteHost::add_file(const plugin::FileOutputRequest& request, std::string& why) {
  auto answer = ask({.service = Service::add_file,
                     .time_ns = static_cast<std::uint64_t>(request.sync.count()),
                     .text = request.path},
                    request.fd);
  why = std::move(answer.why);
  return answer.number;
}

bool RemoteHost::send_all(std::uint32_t output) {
  return ask({.service = Service::send_all, .number = output}).number != 0;
}

bool RemoteHost::send_all_until(std::uint32_t output, std::uint64_t bytes, std::uint64_t time_ns) {
  return ask({.service = Service::send_all_until,
              .number = output,
              .bytes = bytes,
              .time_ns = time_ns})
             .number != 0;
}

void RemoteHost::settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t count,
                        std::uint32_t outcome, std::string_view why) {
  const std::lock_guard lock(mutex_);
  (void)deliver::send_request(services_, {.service = Service::settle,
                                          .number = outcome,
                                          .mode = first,
                                          .flags = count,
                                          .bytes = ticket,
                                          .text = std::string(why)});
}

deliver::ServiceAnswer RemoteHost::ask(const ServiceRequest& request, int file) {
  const std::lock_guard lock(mutex_);
  if (request.service == Service::add_file && file < 0) return {0, request.text + " is not open"};
  if (deliver::send_request(services_, request, file) == 0)
    if (auto answer = deliver::receive_answer(services_)) return std::move(*answer);
  return {0, "the hub does not answer"};
}

}  // namespace standpipe::child
