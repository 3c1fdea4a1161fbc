// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "deliver/batch.h"
#include "deliver/blame.h"
#include "deliver/delivery_ring.h"
#include "deliver/needs.h"
#include "deliver/one_delivery.h"
#include "deliver/output.h"
#include "deliver/plugin_host.h"
#include "deliver/senders.h"
#include "deliver/settlement.h"
#include "deliver/taken_messages.h"
#include "keeper/link.h"
#include "temporary_folder.h"

namespace test {

// A handler with one output, and a delivery in its ring: for what gives messages to it.
class SendingAll : public Needs, public OneDelivery {
 public:
  SendingAll() {
    options.name = "it";
    options.plugin = &scripted.plugin;
    std::string why;
    host.begin_open();
    host.add_fifo({.path = folder / "out"}, why);
    host.end_open();
  }
  // Its plugin asks that everything goes there.
  void send_all() {
    std::string why;
    host.begin_open();
    host.add_fifo({.path = folder / "out"}, why);
    host.send_all(1);
    host.end_open();
  }
  // So many messages of the delivery are given out.
  deliver::Range give_out(std::uint32_t messages) {
    deliver::Batch batch(messages, SIZE_MAX);
    batch.fill_next(its);
    memory.commit();
    return batch.range(0, batch.count());
  }
  // What a reader gets.
  std::string read() {
    const Fd reader(::open((folder / "out").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    while (out->pump(clock.now)) {
    }
    char bytes[4096];
    const auto n = ::read(reader.get(), bytes, sizeof bytes);
    std::string letters;
    for (ssize_t i = 4; i < n; i += 5) letters += bytes[i];  // of messages of one letter each
    return letters;
  }

  deliver::Output* open(const plugin::FifoOutputRequest& request, std::string&) override {
    if (!out) {
      out = std::make_unique<deliver::Output>(request, senders.needs(quiet, 64 * KiB, 64 * KiB));
      out->attach(memory, link, 0);
    }
    return out.get();
  }
  void settled(deliver::Delivery&) override { ++settlements; }

  TemporaryFolder folder;
  ManualClock clock;
  Scripted scripted;
  keeper::Link link = keeper::Link::none();
  deliver::DeliveryRing ring;
  deliver::Delivery& its = ring.add(std::make_unique<deliver::Delivery>("in", "ring", 1, log, 0));
  Senders senders{[this](auto) -> deliver::Delivery& { return its; }};
  std::unique_ptr<deliver::Output> out;
  deliver::HandlerOptions options;
  deliver::HandlerNeeds its_needs = needs(clock, memory);
  deliver::PluginHost host{options.name, its_needs};
  deliver::TakenMessages taken{memory, "it"};
  deliver::Blame blame{memory, options, 0};
  deliver::Settlement settlement{options, its_needs, host, blame};
  int settlements = 0;
};

}  // namespace test
