// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deliver/keeping.h"
#include "deliver/scripted.h"
#include "eventually.h"
#include "keeper/link.h"
#include "temporary_folder.h"
#include "worker/hub.h"

namespace test {

// The machine's, but a test can let time pass at once, or not at all.
class JumpingClock final : public Clock {
 public:
  Nanoseconds steady() const override { return frozen_.value_or(clock_.steady()) + ahead; }
  Nanoseconds wall() const override { return clock_.wall() + ahead; }
  void freeze() { frozen_ = clock_.steady(); }
  void go_on() { frozen_.reset(); }
  Nanoseconds ahead{0};

 private:
  SystemClock clock_;
  std::optional<Nanoseconds> frozen_;
};

// The keeper of a hub's workers.
class ToyKeeper : public Keeping {
 public:
  // The next worker's link. The one before it is dead.
  std::unique_ptr<keeper::Link> start() {
    die();
    return std::make_unique<keeper::Link>(Keeping::start());
  }
  // A person asks for the end, once more.
  void want_stop() { say("want", std::to_string(++stops_) + " 0 0"); }
  bool keeps(const std::string& name) const { return find(name) >= 0; }
  // The hub has ended, and the next one is another.
  void forget_all() {
    Keeping::forget_all();
    stops_ = 0;
  }

 private:
  unsigned stops_ = 0;
};

// A hub from real FIFOs to a plugin of the test's own, in a folder of its own. Its workers follow
// each other under one keeper.
class HubKit {
 public:
  explicit HubKit(std::size_t sources = 1) {
    options.data_dir = folder / "data";
    options.memory_max = 16 * MiB;
    for (std::size_t i = 0; i < sources; ++i) {
      const auto name = "in" + std::to_string(i);
      options.sources.push_back({.name = name, .path = folder / name});
    }
    add_handler("out", plugin.plugin);
  }
  // It gets all that every source has.
  void add_handler(const std::string& name, const plugin::Plugin& of) {
    deliver::HandlerOptions handler;
    handler.name = name;
    handler.plugin = &of;
    match::RouteOptions route;
    route.name = "to " + name;
    for (std::size_t i = 0; i < options.sources.size(); ++i) route.from.push_back(i);
    route.to = {options.handlers.size()};
    options.handlers.push_back(std::move(handler));
    options.routes.push_back(std::move(route));
  }

  // A worker begins; the one before it, if there is one, is as dead as a kill leaves it.
  // `before`: what it has is tried, and that is what is in force.
  worker::Hub& begin(bool saves = false, const worker::HubNames* before = nullptr) {
    end();
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options, clock, reporter, *link, saves, before);
    if (!hub->saves()) CHECK(hub->start(std::chrono::seconds(5)).empty());
    return *hub;
  }
  // The worker is dead, at the instruction that it had come to.
  void end() {
    hub.reset();
    link.reset();
  }
  void want_stop() { keeper.want_stop(); }
  // Steps until that is so; false: it does not become so.
  bool until(const std::function<bool()>& done) {
    return eventually(done, [&] { hub->round(); });
  }
  void send(const std::string& payload, std::size_t source = 0) {
    REQUIRE(try_send(payload, source));
  }
  // false: there is no room for it now. Its writers stay, as most do.
  bool try_send(const std::string& payload, std::size_t source = 0) {
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
    const auto frame = std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
    auto& fd = writers_[source];
    if (!fd)
      fd = Fd(::open(options.sources[source].path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    const auto wrote = ::write(fd.get(), frame.data(), frame.size());
    return wrote == static_cast<ssize_t>(frame.size());
  }
  // Of the first handler, from that source.
  deliver::Account::Line line(std::size_t source = 0) const {
    for (const auto& line : hub->account().lines)
      if (line.handler == options.handlers[0].name && line.source == options.sources[source].name)
        return line;
    FAIL("there is no such line");
    return {};
  }
  std::uint64_t delivered(std::size_t source = 0) const { return line(source).tally.delivered; }
  bool reported(const std::string& part) const {
    for (const auto& message : reporter.reported)
      if (message.find(part) != std::string::npos) return true;
    return false;
  }

  TemporaryFolder folder;
  Scripted plugin;
  config::HubOptions options;
  JumpingClock clock;
  Quiet reporter;
  ToyKeeper keeper;
  std::unique_ptr<keeper::Link> link;
  std::unique_ptr<worker::Hub> hub;

 private:
  std::map<std::size_t, Fd> writers_;
};

}  // namespace test
