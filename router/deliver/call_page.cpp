// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

template <class T>
void copy_to(T* to, std::span<const T> from) {
  std::copy(from.begin(), from.end(), to);
}

bool is_known_answer(std::uint32_t code) {
  return code == STANDPIPE_OK || code == STANDPIPE_DISCONNECTED || code == STANDPIPE_FATAL;
}

Fd make_file() {
  Fd file(::memfd_create("standpipe: call", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // A child that made it shorter would end the worker, too (SIGBUS).
  if (file && ::ftruncate(file.get(), sizeof(CallPage)) == 0 &&
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
    return file;
  throw Failure::system("make memory for the calls of a handler's process", errno);
}

CallPage* map_page(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0 || st.st_size != static_cast<off_t>(sizeof(CallPage)))
    throw Failure("the memory for the calls of a handler's process has another size");
  void* at = ::mmap(nullptr, sizeof(CallPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED)
    throw Failure::system("map memory for the calls of a handler's process", errno);
  (void)::madvise(at, sizeof(CallPage), MADV_DONTFORK);
  return static_cast<CallPage*>(at);
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

SharedCallPage::SharedCallPage() : SharedCallPage(make_file()) {}

SharedCallPage::SharedCallPage(Fd file) : file_(std::move(file)), page_(map_page(file_)) {}

SharedCallPage::~SharedCallPage() { ::munmap(page_, sizeof(CallPage)); }

std::string call_page_name(const std::string& handler) { return std::string(kCallPages) + handler; }

}  // namespace standpipe::deliver
