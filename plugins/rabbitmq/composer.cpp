// SPDX-License-Identifier: Apache-2.0
#include "composer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "broker.h"
#include "bytes.h"

namespace {

using common::Template;
using Part = Template::Part;
using Properties = amqp_basic_properties_t;

constexpr std::size_t kEntryBytes = 7;    // of a header beside its name and its value
constexpr std::size_t kFrameRest = 4096;  // of the frame of properties, beside the headers

struct TextProperty {
  std::string_view name;
  amqp_flags_t flag;
  amqp_bytes_t Properties::*member;
  bool is_carried;  // from metadata of that name
};
constexpr std::array<TextProperty, 8> kTexts = {{
    {"content_type", AMQP_BASIC_CONTENT_TYPE_FLAG, &Properties::content_type, false},
    {"content_encoding", AMQP_BASIC_CONTENT_ENCODING_FLAG, &Properties::content_encoding, true},
    {"correlation_id", AMQP_BASIC_CORRELATION_ID_FLAG, &Properties::correlation_id, true},
    {"reply_to", AMQP_BASIC_REPLY_TO_FLAG, &Properties::reply_to, true},
    {"type", AMQP_BASIC_TYPE_FLAG, &Properties::type, true},
    {"app_id", AMQP_BASIC_APP_ID_FLAG, &Properties::app_id, true},
    // Not carried: a message would lose its time twice, or pretend to be another user's.
    {"expiration", AMQP_BASIC_EXPIRATION_FLAG, &Properties::expiration, false},
    {"user_id", AMQP_BASIC_USER_ID_FLAG, &Properties::user_id, false},
}};

const TextProperty* text_property(std::string_view name) {
  const auto* found =
      std::find_if(kTexts.begin(), kTexts.end(), [&](const auto& p) { return p.name == name; });
  return found == kTexts.end() ? nullptr : found;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Returns why the value cannot be that property; empty: it is set.
std::string_view set_number(Properties& properties, std::string_view name, std::string_view text) {
  if (name == "priority") {
    const auto value = number<std::uint8_t>(text);
    if (!value) return "is no number from 0 to 255";
    properties.priority = *value;
    properties._flags |= AMQP_BASIC_PRIORITY_FLAG;
  } else {
    const auto value = number<std::uint64_t>(text);
    if (!value) return "is no number of seconds since 1970";
    properties.timestamp = *value;
    properties._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
  return {};
}

std::string_view set_property(Properties& properties, std::string_view name, std::string_view text,
                              Publications& out) {
  const auto* its = text_property(name);
  if (!its) return set_number(properties, name, text);
  if (text.size() > kShortMax) return "has more than 255 bytes, which AMQP does not allow";
  if (name == "expiration" && !number<std::uint64_t>(text)) return "is no number of milliseconds";
  properties.*(its->member) = out.copy(text);
  properties._flags |= its->flag;
  return {};
}

bool is_property(std::string_view name) {
  return text_property(name) || name == "priority" || name == "timestamp";
}

bool is_carried(std::string_view name) {
  const auto* its = text_property(name);
  return its ? its->is_carried : name == "priority" || name == "timestamp";
}

std::string known_properties() {
  std::string known;
  for (const auto& p : kTexts)
    if (p.name != "content_type") known.append(p.name).append(", ");
  return known + "priority, timestamp";
}

Template route_template(const standpipe::Options& options, std::string_view option) {
  return {options.text(option), {option, {Part::source, Part::json, Part::meta}}};
}

Template value_template(std::string_view text, std::string_view option) {
  return {text,
          {option, {Part::source, Part::sequence, Part::time, Part::size, Part::json, Part::meta}}};
}

std::string quoted(std::string_view option, std::string_view name) {
  return std::string(option) + ": " + std::string(name);
}

}  // namespace

Composer::Composer(const standpipe::Options& options)
    : exchange_(route_template(options, "exchange")),
      routing_key_(route_template(options, "routing_key")),
      content_type_(value_template(options.text("content_type"), "content_type")),
      passes_metadata_(options.boolean("metadata")),
      is_persistent_(options.text("delivery_mode") == "persistent"),
      payload_max_(options.bytes("max_message_size")) {
  const auto queue = short_text(options, "queue");
  if (!queue.empty() && (!exchange_.pieces().empty() || !routing_key_.pieces().empty()))
    throw standpipe::fatal(
        "queue: it says where messages go, and so do exchange and routing_key; give one of them");
  if (!queue.empty()) routing_key_.add_literal(queue);
  if (exchange_.pieces().empty() && routing_key_.pieces().empty())
    throw standpipe::fatal(
        "queue: nothing says where messages go; give a queue, or an exchange with a routing_key");
  for (const auto& [name, text] : options.map("properties")) {
    if (!is_property(name) || name == "content_type")
      throw standpipe::fatal(
          "properties: there is no property " + name + " to set (known: " + known_properties() +
          "; content_type, delivery_mode and message_id have ways of their own)");
    properties_.emplace_back(name, value_template(text, "properties"));
  }
  for (const auto& [name, text] : options.map("headers")) {
    if (name.size() > kShortMax)
      throw standpipe::fatal("headers: a name has more than 255 bytes, which AMQP does not allow");
    headers_.emplace_back(name, value_template(text, "headers"));
  }
}

std::optional<std::string> Composer::exchange() const {
  if (exchange_.has_placeholders()) return std::nullopt;
  return exchange_.pieces().empty() ? std::string() : exchange_.pieces().front().text;
}

void Composer::limit_payload(std::uint64_t bytes) { payload_max_ = std::min(payload_max_, bytes); }

void Composer::avoid_exchange(std::string name) {
  if (avoided_.size() >= kAvoidedMost) avoided_.erase(avoided_.begin());
  avoided_.emplace_back(std::move(name), Clock::now() + kAvoidFor);
}

bool Composer::is_avoided(std::string_view exchange) const {
  return std::any_of(avoided_.begin(), avoided_.end(), [&](const auto& avoided) {
    return avoided.first == exchange && Clock::now() < avoided.second;
  });
}

void Composer::compose(const standpipe::Message& message, Publications& out) {
  if (message.size() > payload_max_)
    throw standpipe::reject("it has " + std::to_string(message.size()) +
                            " bytes, and max_message_size of RabbitMQ is " +
                            std::to_string(payload_max_));
  fields_.look_at(message);
  Publication publication;
  const auto exchange = fill(exchange_, "exchange");
  if (is_avoided(exchange))
    throw standpipe::reject("exchange: RabbitMQ has no exchange '" + std::string(exchange) + "'");
  publication.exchange = out.copy(exchange);
  publication.routing_key = out.copy(fill(routing_key_, "routing_key"));
  publication.body = out.copy(message.text());
  auto& properties = publication.properties;
  properties.delivery_mode =
      is_persistent_ ? AMQP_DELIVERY_PERSISTENT : AMQP_DELIVERY_NONPERSISTENT;
  text_.assign(message.source()).append(":").append(std::to_string(message.sequence()));
  if (text_.size() > kShortMax) text_.erase(0, text_.size() - kShortMax);
  properties.message_id = out.copy(text_);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  set_headers(message, properties, out);
  set_properties(properties, out);
  out.add(publication);
}

// Where it goes. Borrowed until the next call.
std::string_view Composer::fill(const Template& text, std::string_view option) {
  text_.clear();
  if (!fields_.append(text_, text))
    for (const auto& piece : text.pieces())
      if (!fields_.text(piece))
        throw standpipe::reject(quoted(option, fields_.why_missing(piece)) +
                                ", and the placeholder has no default");
  if (text_.size() > kShortMax)
    throw standpipe::reject(std::string(option) + ": it has " + std::to_string(text_.size()) +
                            " bytes, and AMQP allows 255");
  return text_;
}

// What is missing is left out.
void Composer::set_properties(Properties& properties, Publications& out) {
  const auto set = [&](std::string_view option, std::string_view name, const Template& text) {
    text_.clear();
    if (!fields_.append(text_, text) || text_.empty()) return;
    const auto why_not = set_property(properties, name, text_, out);
    if (!why_not.empty())
      throw standpipe::reject(quoted(option, name) + " " + std::string(why_not));
  };
  set("content_type", "content_type", content_type_);
  for (const auto& [name, text] : properties_) set("properties", name, text);
}

void Composer::set_headers(const standpipe::Message& message, Properties& properties,
                           Publications& out) {
  const auto metadata = passes_metadata_ ? message.metadata() : std::span<const standpipe_pair>();
  auto* const entries = out.entries(headers_.size() + metadata.size());
  std::size_t count = 0, bytes = kFrameRest;
  const auto add = [&](std::string_view name, std::string_view value) {
    auto& entry = entries[count++];
    entry.key = out.copy(name);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = out.copy(value);
    bytes += name.size() + value.size() + kEntryBytes;
  };
  for (const auto& [name, text] : headers_) {
    text_.clear();
    if (fields_.append(text_, text)) add(name, text_);
  }
  for (auto pair = metadata.begin(); pair != metadata.end(); ++pair) {
    const std::string_view name(pair->name.data, pair->name.size);
    const std::string_view value(pair->value.data, pair->value.size);
    const auto is_the_same = [&](const standpipe_pair& other) {
      return std::string_view(other.name.data, other.name.size) == name;
    };
    if (is_header(name) || std::any_of(pair + 1, metadata.end(), is_the_same)) continue;
    if (name == "content_type") continue;  // its option says what becomes of it
    if (!is_carried(name) || !set_property(properties, name, value, out).empty()) add(name, value);
  }
  if (count == 0) return;
  if (bytes > frame_max_)
    throw standpipe::reject("its headers have " + std::to_string(bytes - kFrameRest) +
                            " bytes, and frame_max (" + std::to_string(frame_max_) +
                            ") does not allow more than " +
                            std::to_string(frame_max_ - std::min(frame_max_, kFrameRest)));
  properties.headers = {static_cast<int>(count), entries};
  properties._flags |= AMQP_BASIC_HEADERS_FLAG;
}

bool Composer::is_header(std::string_view name) const {
  return std::any_of(headers_.begin(), headers_.end(),
                     [&](const auto& header) { return header.first == name; });
}
