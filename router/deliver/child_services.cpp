// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_services.h"

#include "base/text.h"

namespace standpipe::deliver {
namespace {

ServiceAnswer add_fifo(const ServiceRequest& r, plugin::HostServices& host) {
  ServiceAnswer answer;
  const auto has = [&](ServiceRequest::Flag flag) { return (r.flags & flag) != 0; };
  answer.number = host.add_fifo({.path = r.text,
                                 .mode = r.mode,
                                 .create = has(ServiceRequest::create),
                                 .resend = has(ServiceRequest::resend),
                                 .trust_others = has(ServiceRequest::trust_others),
                                 .mode_given = has(ServiceRequest::mode_given)},
                                answer.why);
  return answer;
}

// The host duplicates the descriptor.
ServiceAnswer add_file(const ServiceRequest& r, plugin::HostServices& host) {
  ServiceAnswer answer;
  answer.number =
      host.add_file({.path = r.text,
                     .fd = r.file.get(),
                     .sync = std::chrono::nanoseconds(static_cast<std::int64_t>(r.time_ns))},
                    answer.why);
  return answer;
}

}  // namespace

std::optional<ServiceAnswer> serve_child(const ServiceRequest& request,
                                         plugin::HostServices& host) {
  switch (request.service) {
    case Service::log:
      host.log(request.number, escaped_once(request.text));
      return std::nullopt;
    case Service::add_fifo:
      return add_fifo(request, host);
    case Service::add_file:
      return add_file(request, host);
    case Service::send_all:
      return ServiceAnswer{host.send_all(request.number) ? 1u : 0u};
    case Service::send_all_until:
      return ServiceAnswer{
          host.send_all_until(request.number, request.bytes, request.time_ns) ? 1u : 0u};
    case Service::settle:
      host.settle(request.bytes, request.mode, request.flags, request.number,
                  escaped_once(request.text));
      return std::nullopt;
    case Service::none:
      break;
  }
  return std::nullopt;
}

bool changes_outputs(Service service) {
  return service != Service::none && service != Service::log && service != Service::settle;
}

}  // namespace standpipe::deliver
