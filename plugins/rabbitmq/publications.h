// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <string_view>
#include <vector>

// A message as it is published. It borrows all from its Publications.
struct Publication {
  amqp_bytes_t exchange{}, routing_key{}, body{};
  amqp_basic_properties_t properties{};
};

// Messages that were composed and wait to be sent, with all bytes that they need: what is left of a
// part of a batch when its call is over.
class Publications {
 public:
  Publications() { init_amqp_pool(&pool_, kPageBytes); }
  ~Publications() { empty_amqp_pool(&pool_); }
  Publications(const Publications&) = delete;
  Publications& operator=(const Publications&) = delete;

  // Throws std::bad_alloc.
  amqp_bytes_t copy(std::string_view text);
  amqp_table_entry_t* entries(std::size_t count);
  void add(const Publication& publication) { all_.push_back(publication); }

  const std::vector<Publication>& all() const { return all_; }

 private:
  static constexpr std::size_t kPageBytes = 64 << 10;
  amqp_pool_t pool_{};
  std::vector<Publication> all_;
};
