// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>
#include <string_view>

namespace nats {

// Owners of what the client library makes.
struct Release {
  void operator()(natsOptions* it) const { natsOptions_Destroy(it); }
  void operator()(natsConnection* it) const { natsConnection_Destroy(it); }
  void operator()(natsSubscription* it) const { natsSubscription_Destroy(it); }
  void operator()(natsMsg* it) const { natsMsg_Destroy(it); }
  void operator()(jsCtx* it) const { jsCtx_Destroy(it); }
  void operator()(jsConsumerInfo* it) const { jsConsumerInfo_Destroy(it); }
  void operator()(jsStreamInfo* it) const { jsStreamInfo_Destroy(it); }
  void operator()(jsStreamNamesList* it) const { jsStreamNamesList_Destroy(it); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

// What the library says of the last call of this thread that failed with `status`, without the
// place in its own source that it begins with: "(conn.c:733): ".
inline std::string error_text(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* said = nats_GetLastError(&last);
  std::string_view text = said && last == status ? said : "";
  const auto place = text.starts_with('(') ? text.find("): ") : std::string_view::npos;
  if (place != std::string_view::npos) text.remove_prefix(place + 3);
  return text.empty() ? natsStatus_GetText(status) : std::string(text);
}

}  // namespace nats
