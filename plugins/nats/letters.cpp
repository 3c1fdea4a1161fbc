// SPDX-License-Identifier: Apache-2.0
#include "letters.h"

#include <new>

#include "common/message_name.h"
#include "headers.h"
#include "subject.h"

namespace nats {

using Part = common::Template::Part;

namespace {

common::Template template_of(const std::string& text, const std::string& option) {
  return common::Template(
      text, {option, {Part::source, Part::sequence, Part::time, Part::json, Part::meta}});
}

std::string fixed(const common::Template& whole) {
  if (whole.has_placeholders()) return "";
  std::string text;
  for (const auto& piece : whole.pieces()) text += piece.text;
  const auto fault = subject_fault(text, true);
  if (!fault.empty()) throw standpipe::fatal("subject: nothing can be published there: " + fault);
  return text;
}

}  // namespace

Letters::Letters(const standpipe::Options& options)
    : subject_(template_of(options.text("subject"), "subject")),
      fixed_subject_(fixed(subject_)),
      has_metadata_(options.boolean("metadata")),
      has_default_id_(!options.has("msg_id")),
      stream_(options.text("stream")) {
  for (const auto& [name, value] : options.map("headers")) {
    if (name.starts_with("Nats-") && name != "Nats-Rollup" && name != "Nats-TTL")
      throw standpipe::fatal("headers: " + name +
                             " is one of the server's own; for Nats-Msg-Id use msg_id");
    headers_.emplace_back(name, template_of(value, "headers." + name));
  }
  if (!options.text("msg_id").empty()) id_ = template_of(options.text("msg_id"), "msg_id");
}

std::string Letters::filled(const common::Template& whole, const char* option) {
  std::string text;
  if (fields_.append(text, whole)) return text;
  for (const auto& piece : whole.pieces())
    if (piece.part != Part::literal && !fields_.text(piece))
      throw standpipe::reject(std::string(option) + ": the message has no " + piece.text + ": " +
                              fields_.why_missing(piece));
  throw standpipe::reject(std::string(option) + ": the message does not have all of it");
}

Owned<natsMsg> Letters::letter(const standpipe::Message& message, std::uint64_t number) {
  fields_.look_at(message);
  std::string chosen;
  if (fixed_subject_.empty()) {
    chosen = filled(subject_, "subject");
    const bool begins_itself = !subject_.pieces().empty() &&
                               subject_.pieces().front().part == Part::literal &&
                               subject_.pieces().front().text.starts_with('$');
    const auto fault = subject_fault(chosen, begins_itself);
    if (!fault.empty()) throw standpipe::reject("its subject '" + chosen + "' is none: " + fault);
  }
  const auto& subject = fixed_subject_.empty() ? chosen : fixed_subject_;
  natsMsg* made = nullptr;
  const auto payload = message.text();
  const auto status = natsMsg_Create(&made, subject.c_str(), std::to_string(number).c_str(),
                                     payload.data(), static_cast<int>(payload.size()));
  if (status != NATS_OK) throw std::bad_alloc();
  Owned<natsMsg> letter(made);
  add_headers(made, message);
  return letter;
}

void Letters::add_headers(natsMsg* letter, const standpipe::Message& message) {
  if (has_metadata_)
    for (const auto& pair : message.metadata()) {
      const std::string_view name(pair.name.data, pair.name.size);
      if (!is_left_out(name))
        add_header(letter, std::string(name), std::string(pair.value.data, pair.value.size));
    }
  for (const auto& [name, value] : headers_)
    add_header(letter, name, filled(value, ("headers." + name).c_str()));
  const auto its_id = id(message);
  if (!its_id.empty()) add_header(letter, "Nats-Msg-Id", its_id);
  if (!stream_.empty()) add_header(letter, "Nats-Expected-Stream", stream_);
}

std::string Letters::id(const standpipe::Message& message) {
  if (id_) return filled(*id_, "msg_id");
  return has_default_id_ ? common::message_name(message) : "";
}

}  // namespace nats
