// SPDX-License-Identifier: Apache-2.0
#include "metadata.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "bytes.h"

namespace {

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// What is no number of JSON's is null there.
template <class Real>
void append_real(std::string& out, Real real, bool is_json) {
  if (is_json && !std::isfinite(real))
    out += "null";
  else
    append_number(out, real);
}

// 12345 with 2 decimals is 123.45
void append_decimal(std::string& out, const amqp_decimal_t& decimal) {
  auto digits = std::to_string(decimal.value);
  if (digits.size() <= decimal.decimals)
    digits.insert(0, decimal.decimals + 1 - digits.size(), '0');
  if (decimal.decimals > 0) digits.insert(digits.size() - decimal.decimals, 1, '.');
  out += digits;
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append({'\\', c});
    else if (byte < 0x20)
      out.append("\\u00").append({kHex[byte >> 4U], kHex[byte & 15U]});
    else
      out += c;
  }
  out += '"';
}

void append_value(std::string& out, const amqp_field_value_t& its, bool is_json);

void append_array(std::string& out, const amqp_array_t& array) {
  out += '[';
  for (int i = 0; i < array.num_entries; ++i) {
    if (i > 0) out += ',';
    append_value(out, array.entries[i], true);
  }
  out += ']';
}

void append_table(std::string& out, const amqp_table_t& table) {
  out += '{';
  for (int i = 0; i < table.num_entries; ++i) {
    if (i > 0) out += ',';
    append_quoted(out, from_amqp(table.entries[i].key));
    out += ':';
    append_value(out, table.entries[i].value, true);
  }
  out += '}';
}

// Nested values are JSON, and so are texts in them. The library refuses what nests too deeply.
void append_value(std::string& out, const amqp_field_value_t& its, bool is_json) {
  const auto& value = its.value;
  switch (its.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      out += value.boolean ? "true" : "false";
      break;
    case AMQP_FIELD_KIND_I8:
      append_number(out, int{value.i8});
      break;
    case AMQP_FIELD_KIND_U8:
      append_number(out, unsigned{value.u8});
      break;
    case AMQP_FIELD_KIND_I16:
      append_number(out, value.i16);
      break;
    case AMQP_FIELD_KIND_U16:
      append_number(out, value.u16);
      break;
    case AMQP_FIELD_KIND_I32:
      append_number(out, value.i32);
      break;
    case AMQP_FIELD_KIND_U32:
      append_number(out, value.u32);
      break;
    case AMQP_FIELD_KIND_I64:
      append_number(out, value.i64);
      break;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      append_number(out, value.u64);
      break;
    case AMQP_FIELD_KIND_F32:
      append_real(out, value.f32, is_json);
      break;
    case AMQP_FIELD_KIND_F64:
      append_real(out, value.f64, is_json);
      break;
    case AMQP_FIELD_KIND_DECIMAL:
      append_decimal(out, value.decimal);
      break;
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      if (is_json)
        append_quoted(out, from_amqp(value.bytes));
      else
        out += from_amqp(value.bytes);
      break;
    case AMQP_FIELD_KIND_ARRAY:
      append_array(out, value.array);
      break;
    case AMQP_FIELD_KIND_TABLE:
      append_table(out, value.table);
      break;
    default:
      if (is_json) out += "null";
  }
}

}  // namespace

Metadata::Metadata(const amqp_basic_deliver_t& deliver, const amqp_basic_properties_t& p) {
  const auto has = [&](amqp_flags_t flag) { return (p._flags & flag) != 0; };
  if (has(AMQP_BASIC_HEADERS_FLAG))
    for (int i = 0; i < p.headers.num_entries; ++i) add(p.headers.entries[i]);
  add("exchange", from_amqp(deliver.exchange));
  add("routing_key", from_amqp(deliver.routing_key));
  add("redelivered", deliver.redelivered ? "true" : "false");
  const auto add_text = [&](amqp_flags_t flag, std::string_view name, const amqp_bytes_t& text) {
    if (has(flag)) add(name, from_amqp(text));
  };
  add_text(AMQP_BASIC_CONTENT_TYPE_FLAG, "content_type", p.content_type);
  add_text(AMQP_BASIC_CONTENT_ENCODING_FLAG, "content_encoding", p.content_encoding);
  if (has(AMQP_BASIC_DELIVERY_MODE_FLAG))
    add("delivery_mode", p.delivery_mode == AMQP_DELIVERY_PERSISTENT ? "persistent" : "transient");
  if (has(AMQP_BASIC_PRIORITY_FLAG)) add("priority", std::to_string(p.priority));
  add_text(AMQP_BASIC_CORRELATION_ID_FLAG, "correlation_id", p.correlation_id);
  add_text(AMQP_BASIC_REPLY_TO_FLAG, "reply_to", p.reply_to);
  add_text(AMQP_BASIC_EXPIRATION_FLAG, "expiration", p.expiration);
  add_text(AMQP_BASIC_MESSAGE_ID_FLAG, "message_id", p.message_id);
  if (has(AMQP_BASIC_TIMESTAMP_FLAG)) add("timestamp", std::to_string(p.timestamp));
  add_text(AMQP_BASIC_TYPE_FLAG, "type", p.type);
  add_text(AMQP_BASIC_USER_ID_FLAG, "user_id", p.user_id);
  add_text(AMQP_BASIC_APP_ID_FLAG, "app_id", p.app_id);
}

void Metadata::add(std::string_view name, std::string_view value) {
  const auto begin = bytes_.size();
  bytes_.append(name).append(value);
  entries_.push_back({begin, begin + name.size(), bytes_.size()});
}

// A hub's metadata has a name, and AMQP's headers need not.
void Metadata::add(const amqp_table_entry_t& header) {
  if (header.key.len == 0) return;
  const auto begin = bytes_.size();
  bytes_ += from_amqp(header.key);
  const auto value = bytes_.size();
  append_value(bytes_, header.value, false);
  entries_.push_back({begin, value, bytes_.size()});
}

void Metadata::append_to(std::vector<standpipe::Pair>& pairs) const {
  const std::string_view bytes = bytes_;
  for (const auto& entry : entries_)
    pairs.emplace_back(bytes.substr(entry.name, entry.value - entry.name),
                       bytes.substr(entry.value, entry.end - entry.value));
}
