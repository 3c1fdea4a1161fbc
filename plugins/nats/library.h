// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

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

// What the library says of the last call of this thread that failed with `status`.
inline std::string error_text(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  return last == status && text && *text ? text : natsStatus_GetText(status);
}

}  // namespace nats
