// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_page.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr auto kUseOfPage = "the calls of a handler's process";

template <class T>
void copy_to(T* to, std::span<const T> from) {
  std::copy(from.begin(), from.end(), to);
}

bool is_known_answer(std::uint32_t code) {
  return code == STANDPIPE_OK || code == STANDPIPE_DISCONNECTED || code == STANDPIPE_FATAL;
}

}  // namespace

void CallPage::write_request(const CallRequest& request, bool create) {
  const auto batch = request.kind == CallKind::handle ? request.batch->parts() : BatchParts{};
  kind = request.kind;
  attempt = batch.attempt;
  frame_count = static_cast<std::uint32_t>(batch.frames.size());
  stretch_count = static_cast<std::uint32_t>(batch.stretches.size());
  source_bytes = static_cast<std::uint32_t>(batch.source.copy(source, sizeof source));
  fifo_bytes = static_cast<std::uint32_t>(batch.fifo.copy(fifo, sizeof fifo));
  creates = create ? 1 : 0;
  terms = request.terms;
  resume_bytes = static_cast<std::uint32_t>(request.resume.copy(resume, sizeof resume));
  ticket = batch.ticket;
  copy_to(frames, batch.frames);
  copy_to(stretches, batch.stretches);
  answer_code = STANDPIPE_OK;
  answer_bytes = 0;
}

BatchParts CallPage::batch(const std::byte* memory) const {
  return {{frames, frame_count},  {stretches, stretch_count}, memory, attempt,
          {source, source_bytes}, {fifo, fifo_bytes},         ticket};
}

void CallPage::write_answer(const plugin::Answer& made) {
  answer_code = made.code;
  answer_bytes = static_cast<std::uint32_t>(made.reason.copy(answer, sizeof answer));
}

// A reason was escaped where it came from. What that would not have let pass is escaped here.
plugin::Answer CallPage::read_answer() const {
  const std::uint32_t code = answer_code;
  const auto bytes = std::min<std::size_t>(answer_bytes, sizeof answer);
  return {is_known_answer(code) ? code : std::uint32_t{STANDPIPE_FATAL},
          escaped_once({answer, bytes})};
}

SharedCallPage::SharedCallPage() : memory_("standpipe: call", sizeof(CallPage), kUseOfPage) {}

SharedCallPage::SharedCallPage(Fd file)
    : memory_(std::move(file), sizeof(CallPage), sizeof(CallPage), kUseOfPage) {}

std::string call_page_name(const std::string& handler) { return std::string(kCallPages) + handler; }

}  // namespace standpipe::deliver
