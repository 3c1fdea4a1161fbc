// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "client.h"

namespace kafka {

// Why this is no name of a topic; empty: it is one. Kafka's own rules.
std::string topic_name_fault(std::string_view name);

// Whether somebody else serves the client's queue meanwhile, as a producer's thread does.
enum class Served { here, elsewhere };

// Waits for a broker, at most ten seconds; throws standpipe::disconnected with what hinders it, or
// the client's own failure.
void wait_for_broker(Client& client, Served served, const standpipe::Host& host);

// The same, and asks it for the topic. Returns how many partitions it has. A topic that is not
// there for five seconds is missing (a broker that has just begun does not know all of them):
// throws standpipe::fatal that says how to create it.
int partitions_of(Client& client, const std::string& topic, Served served,
                  const standpipe::Host& host);

}  // namespace kafka
