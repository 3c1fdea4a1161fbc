// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "config/loader.h"
#include "places.h"
#include "plugin/registry.h"

// A configuration from text, with the plugins that are there; it must be right.
class Configuration {
 public:
  explicit Configuration(const std::string& yaml)
      : loaded_(standpipe::config::load_text(yaml, "/etc/t.yaml", registry_)) {
    for (const auto& d : loaded_.diagnostics) {
      INFO(standpipe::render(d, false));
      REQUIRE(d.severity != standpipe::Severity::error);
    }
  }
  const standpipe::config::HubOptions& hub() const { return loaded_.hub; }

 private:
  standpipe::plugin::Registry registry_{{places::plugins()}};
  standpipe::config::Loaded loaded_;
};

// Two sources, three handlers; `lost` has no dead letters and tries once, `patient` tries for ever.
inline const std::string kHub =
    "sources: { in: { fifo: in, framing: { max_message_size: 100B } }, more: { fifo: more } }\n"
    "handlers:\n"
    "  screen: { plugin: print }\n"
    "  lost: { plugin: print, dead_letter: false, retry: { max_attempts: 1 } }\n"
    "  patient: { plugin: print, retry: { max_attempts: 0 } }\n"
    "routes:\n"
    "  - { name: pings, from: in, match: { text: { prefix: ping } }, to: screen, final: true }\n"
    "  - { name: short, from: in, match: { size: { lt: 5 } }, to: [screen, lost] }\n"
    "  - { name: patience, from: [in, more], match: { text: { suffix: \"!\" } }, to: [patient, "
    "lost] "
    "}\n";
