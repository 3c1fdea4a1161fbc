// SPDX-License-Identifier: Apache-2.0
#include "publications.h"

#include <cstring>
#include <new>

amqp_bytes_t Publications::copy(std::string_view text) {
  if (text.empty()) return amqp_empty_bytes;
  void* room = amqp_pool_alloc(&pool_, text.size());
  if (!room) throw std::bad_alloc();
  std::memcpy(room, text.data(), text.size());
  return {text.size(), room};
}

amqp_table_entry_t* Publications::entries(std::size_t count) {
  if (count == 0) return nullptr;
  void* room = amqp_pool_alloc(&pool_, count * sizeof(amqp_table_entry_t));
  if (!room) throw std::bad_alloc();
  return static_cast<amqp_table_entry_t*>(room);
}
