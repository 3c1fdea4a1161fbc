// SPDX-License-Identifier: Apache-2.0
#include "control/glance.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/failure.h"

namespace standpipe::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Puts records together.
class Writer {
 public:
  Writer& record(std::string_view kind) {
    text_ += kind;
    return *this;
  }
  Writer& field(std::string_view text) {
    text_ += '\t';
    for (const char c : text) text_ += c == '\t' || c == '\n' ? ' ' : c;
    return *this;
  }
  Writer& field(std::uint64_t number) { return field(std::string_view(std::to_string(number))); }
  template <class Unit>
  Writer& field_in(Nanoseconds time) {
    return field(static_cast<std::uint64_t>(std::chrono::duration_cast<Unit>(time).count()));
  }
  template <class Unit>
  Writer& field_in(const std::optional<Nanoseconds>& time) {
    return time ? field_in<Unit>(*time) : field("");
  }
  void end() { text_ += '\n'; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Takes a record apart.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}
  std::string_view text() {
    if (is_over_) throw Failure("the hub's answer is incomplete");
    const auto end = std::min(rest_.find('\t'), rest_.size());
    const auto field = rest_.substr(0, end);
    is_over_ = end == rest_.size();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return field;
  }
  bool is_over() const { return is_over_; }
  std::uint64_t number() {
    const auto field = text();
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), n);
    if (error != std::errc() || end != field.data() + field.size())
      throw Failure("the hub's answer has no number where one belongs");
    return n;
  }
  template <class Unit>
  Nanoseconds time_in() {
    return Unit(number());
  }
  template <class Unit>
  std::optional<Nanoseconds> time_or_none_in() {
    auto look = *this;
    if (!look.text().empty()) return time_in<Unit>();
    *this = look;
    return std::nullopt;
  }

 private:
  std::string_view rest_;
  bool is_over_ = false;
};

void read_hub(Glance& glance, Fields& fields) {
  glance.file = fields.text();
  glance.began = fields.time_in<seconds>();
  glance.loaded = fields.time_in<seconds>();
  glance.written = fields.time_or_none_in<seconds>();
  glance.restarts = fields.number();
}

void read_source(Glance& glance, Fields& fields) {
  auto& source = glance.sources.emplace_back();
  source.name = fields.text();
  for (auto* number : {&source.accepted, &source.unmatched, &source.unmatched_taken})
    *number = fields.number();
}

void read_delivery(Glance& glance, Fields& fields) {
  auto& delivery = glance.deliveries.emplace_back();
  delivery.source = fields.text();
  delivery.handler = fields.text();
  for (auto* number : {&delivery.matched, &delivery.delivered, &delivery.filtered,
                       &delivery.dropped, &delivery.dead_lettered, &delivery.saved})
    *number = fields.number();
  delivery.age = fields.time_or_none_in<milliseconds>();
  const auto p50 = fields.is_over() ? std::nullopt : fields.time_or_none_in<nanoseconds>();
  const auto p99 = fields.is_over() ? std::nullopt : fields.time_or_none_in<nanoseconds>();
  if (p50 && p99) delivery.latency = {*p50, *p99};
}

void read_record(Glance& glance, std::string_view line) {
  Fields fields(line);
  const auto kind = fields.text();
  if (kind == "hub") return read_hub(glance, fields);
  if (kind == "source") return read_source(glance, fields);
  if (kind == "delivery") return read_delivery(glance, fields);
  if (kind == "note") {
    glance.notes.emplace_back(fields.text());
  } else if (kind == "at") {
    glance.at = Nanoseconds(fields.number());
  } else if (kind == "dropped") {
    std::string reason(fields.text());
    glance.dropped.push_back({std::move(reason), fields.number()});
  }
}

}  // namespace

std::string Glance::text() const {
  Writer out;
  out.record("hub").field(file).field_in<seconds>(began).field_in<seconds>(loaded);
  out.field_in<seconds>(written).field(restarts).end();
  out.record("at").field(static_cast<std::uint64_t>(at.count())).end();
  for (const auto& s : sources)
    out.record("source")
        .field(s.name)
        .field(s.accepted)
        .field(s.unmatched)
        .field(s.unmatched_taken)
        .end();
  for (const auto& d : deliveries)
    out.record("delivery")
        .field(d.source)
        .field(d.handler)
        .field(d.matched)
        .field(d.delivered)
        .field(d.filtered)
        .field(d.dropped)
        .field(d.dead_lettered)
        .field(d.saved)
        .field_in<milliseconds>(d.age)
        .field_in<nanoseconds>(d.latency ? std::optional(d.latency->p50) : std::nullopt)
        .field_in<nanoseconds>(d.latency ? std::optional(d.latency->p99) : std::nullopt)
        .end();
  for (const auto& d : dropped) out.record("dropped").field(d.reason).field(d.messages).end();
  for (const auto& note : notes) out.record("note").field(note).end();
  return out.take();
}

Glance Glance::parse(std::string_view text) {
  Glance glance;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) read_record(glance, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (glance.file.empty()) throw Failure("the hub's answer is incomplete");
  return glance;
}

}  // namespace standpipe::control
