// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"
#include "publications.h"

// Makes of a message what is published: where it goes, its properties and headers, as the options
// say. One thread at a time.
class Composer {
 public:
  // Throws standpipe::fatal that names the option.
  explicit Composer(const standpipe::Options& options);

  // The exchange that all messages go to; nullopt: each says its own.
  std::optional<std::string> exchange() const;
  // What a message may have, as the broker says: of a frame, and of its payload. The lower limit of
  // a payload counts.
  void limit_frame(std::size_t bytes) { frame_max_ = bytes; }
  void limit_payload(std::uint64_t bytes);
  // Messages that say this exchange are rejected for a while: there is none.
  void avoid_exchange(std::string name);

  // Appends it to `out`. Throws standpipe::reject: it can never be published.
  void compose(const standpipe::Message& message, Publications& out);

 private:
  using Clock = std::chrono::steady_clock;
  // An exchange that was missing is asked for again after this, which costs a connection.
  static constexpr std::chrono::seconds kAvoidFor{60};
  static constexpr std::size_t kAvoidedMost = 100;
  using Named = std::vector<std::pair<std::string, common::Template>>;

  std::string_view fill(const common::Template& text, std::string_view option);
  void set_properties(amqp_basic_properties_t& properties, Publications& out);
  void set_headers(const standpipe::Message& message, amqp_basic_properties_t& properties,
                   Publications& out);
  bool is_header(std::string_view name) const;
  bool is_avoided(std::string_view exchange) const;

  common::Template exchange_, routing_key_, content_type_;
  Named properties_, headers_;
  bool passes_metadata_, is_persistent_;
  std::uint64_t payload_max_;
  std::size_t frame_max_ = 0;
  std::vector<std::pair<std::string, Clock::time_point>> avoided_;  // exchanges, and until when
  common::Fields fields_;
  std::string text_;
};
