// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/testing.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/registry.h"

namespace standpipe::conformance {

// What a person asked for.
struct Request {
  std::string path;          // absolute
  testing::Options options;  // given by hand, before what is made up
  std::uint64_t seed = 0;    // of what is random
  unsigned cycles = 100;     // how often what must not leak is done
};

// The plugin in a child: loaded there, and its instances. The one host simulation is the SDK's test
// kit.
class Subject {
 public:
  explicit Subject(const Request& request);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  const Request& request() const { return request_; }
  // dlopen; throws Problem. The other functions call it.
  void load();
  void* library() const { return library_; }
  const standpipe_plugin& abi();
  const plugin::Plugin& description();  // throws Problem
  // Required options with values made up, paths in this child's folder, and those given by hand.
  // Every file that an instance wants for itself ends in `suffix`: for a second instance.
  testing::Options options(const std::string& suffix = {});

 private:
  Request request_;
  void* library_ = nullptr;
  const standpipe_plugin* abi_ = nullptr;
  std::optional<plugin::Plugin> description_;
};

// An instance with a host of its own.
class Instance {
 public:
  explicit Instance(Subject& subject, testing::Lending lending = testing::Lending::lenient,
                    testing::Shape shape = testing::Shape::today);
  Instance(Subject& subject, const testing::Options& options);

  testing::Host host;
  testing::Handler& handler() { return *handler_; }
  // Throws Problem with the reason.
  Instance& opened();

 private:
  void create(Subject& subject, const testing::Options& options, testing::Lending lending);
  std::unique_ptr<testing::Handler> handler_;
};

// A text that the option takes: its example, a limit or what its type has. Paths are in `folder`.
std::string sample_text(const plugin::Option& option, const std::string& folder);

}  // namespace standpipe::conformance
