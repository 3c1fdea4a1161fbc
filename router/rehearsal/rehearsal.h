// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/hub_options.h"
#include "frame/codec.h"
#include "match/explain.h"
#include "match/matcher.h"
#include "match/route_compiler.h"

namespace standpipe::rehearsal {

// What a source knows of a message, by name.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// Which handlers a message goes to.
struct Routed {
  std::vector<std::size_t> handlers;  // of the hub, each once
  bool wanted = false;                // by a route; else it goes to the unmatched handler, if any
};

// A configuration's way from bytes to handlers, without anything of the world: no FIFO, no plugin
// that runs, no file. Frames are found by the codec, and handlers by the matcher, that a running
// hub has. One thread.
class Rehearsal {
 public:
  // `hub` must outlive it.
  explicit Rehearsal(const config::HubOptions& hub);

  const config::HubOptions& hub() const { return hub_; }
  const frame::Codec& codec(std::size_t source) { return *part(source).codec; }
  Routed route(std::size_t source, std::string_view payload, const Metadata& meta = {});
  // Why it goes there.
  match::Explanation explain(std::size_t source, std::string_view payload,
                             const Metadata& meta = {}) const;
  // One message as a writer frames it, even if it is too large for the source.
  std::string framed(std::size_t source, std::string_view payload) const;

 private:
  // What a source needs, made when it is first asked for: a hub may have many sources.
  struct Part {
    std::unique_ptr<frame::Codec> codec;
    std::optional<match::Matcher> matcher;
  };
  Part& part(std::size_t source);

  const config::HubOptions& hub_;
  match::RouteCompiler compiler_;
  std::vector<Part> parts_;
  std::vector<std::uint64_t> set_;
};

}  // namespace standpipe::rehearsal
