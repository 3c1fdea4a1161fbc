// SPDX-License-Identifier: Apache-2.0
#include "child/handler_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "base/in_order.h"
#include "base/inherited_descriptors.h"
#include "child/confinement.h"
#include "child/remote_host.h"
#include "deliver/call_page.h"
#include "deliver/child_process.h"
#include "deliver/child_setup.h"
#include "deliver/child_wire.h"
#include "deliver/culprit.h"
#include "deliver/plugin_caller.h"
#include "plugin/registry.h"

namespace standpipe::child {
namespace {

using deliver::CallKind;
using deliver::CallPage;
using deliver::ChildDescriptors;
using deliver::ChildSetup;

// The descriptors that it was started with, and no other; nothing that it starts gets them.
ChildDescriptors take_descriptors(const std::string& text) {
  const auto descriptors = ChildDescriptors::parse(text);
  if (!descriptors) throw Failure("a handler's process is started by a worker only");
  std::vector<std::string> named;
  for (const int fd : descriptors->all()) named.push_back("/dev/fd/" + std::to_string(fd));
  close_inherited_descriptors(named);
  for (const int fd : descriptors->all()) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return *descriptors;
}

// The memory of messages, which cannot be written to. What the plugin forks does not have it.
const std::byte* map_messages(const Fd& memory, const ChildSetup& setup) {
  void* at = ::mmap(nullptr, setup.messages_bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE,
                    memory.get(), static_cast<off_t>(setup.messages_offset));
  if (at == MAP_FAILED) throw Failure::system("map the memory of messages", errno);
  (void)::madvise(at, setup.messages_bytes, MADV_DONTFORK);
  return static_cast<const std::byte*>(at);
}

class Child {
 public:
  Child(const ChildDescriptors& descriptors, const ChildSetup& setup, deliver::SharedCallPage& page)
      : calls_(descriptors.calls),
        services_(descriptors.services),
        page_(page),
        wake_(descriptors.wake),
        memory_(map_messages(Fd(descriptors.memory), setup)),
        host_(services_.get(), *page),
        registry_(std::vector<std::string>{}) {
    if (descriptors.made >= 0) {
      made_.emplace(Fd(descriptors.made));
      made_->close_file();
    }
    deliver::CulpritMark::install(page->culprit, page->note);
    problem_ = confine(setup);
    if (problem_.empty()) problem_ = load(setup);
  }
  void serve();

 private:
  static std::string confine(const ChildSetup& setup);
  std::string load(const ChildSetup& setup);
  plugin::Answer make_call();
  plugin::Answer make(CallKind kind, const deliver::BatchParts& batch = {},
                      const deliver::CallTerms& terms = {}, std::string_view resume = {});

  Fd calls_, services_;
  deliver::SharedCallPage& page_;
  Fd wake_;
  const std::byte* memory_;
  RemoteHost host_;
  plugin::Registry registry_;
  deliver::HandlerOptions options_;
  std::string problem_;  // why no call can be made; empty: nothing is wrong
  std::optional<deliver::MadeRegion> made_;
  std::optional<deliver::PluginCaller> caller_;
};

std::string Child::confine(const ChildSetup& setup) {
  if (auto why = limit_memory(setup.memory_max)) return *why;
  if (auto why = become_user(setup.user)) return *why;
  if (!die_with(setup.worker)) ::_exit(0);  // nobody is there to say it to
  return {};
}

std::string Child::load(const ChildSetup& setup) {
  if (!setup.run.empty()) ::setenv("STANDPIPE_RUN", setup.run.c_str(), 1);
  registry_.trust();
  plugin::Refused refused;
  options_.name = setup.handler;
  options_.values = setup.values;
  options_.plugin = registry_.find(setup.plugin, refused, setup.sha256);
  if (!options_.plugin) return setup.plugin + ": " + refused.reason;
  options_.is_source = setup.is_source;
  const bool offers =
      setup.is_source ? options_.plugin->is_source() : options_.plugin->is_handler();
  if (!offers || ChildSetup::declaration(*options_.plugin) != setup.declared)
    return "the file of its plugin has other options by now: reload the hub";
  caller_.emplace(options_, setup.id, host_, page_->flight, made_ ? &*made_ : nullptr, wake_.get());
  return {};
}

// Until the worker closes the socket, or is gone.
void Child::serve() {
  std::uint64_t number = 0;
  while (deliver::receive_number(calls_.get(), number, true) == deliver::Heard::message) {
    page_->write_answer(make_call());
    if (deliver::send_number(calls_.get(), number) != 0) return;
  }
}

plugin::Answer Child::make_call() {
  if (!caller_) return {STANDPIPE_FATAL, problem_};
  const CallKind kind = page_->kind;
  if (page_->creates != 0 && kind != CallKind::create) {
    if (auto made = make(CallKind::create); !made.ok()) return made;
    store_in_order(page_->flight.returned, std::uint32_t{0});  // there is more to the call
  }
  return make(kind, page_->batch(memory_), page_->terms, page_->resume_text());
}

plugin::Answer Child::make(CallKind kind, const deliver::BatchParts& batch,
                           const deliver::CallTerms& terms, std::string_view resume) {
  page_->flight.point();
  caller_->make(kind, batch, terms, resume);
  return caller_->answer();
}

}  // namespace

int serve_calls(const std::string& descriptors) {
  const auto taken = take_descriptors(descriptors);
  leave_group();
  const auto setup = ChildSetup::read(Fd(taken.setup).get());
  deliver::SharedCallPage page{Fd(taken.page)};
  page.close_file();
  Child(taken, setup, page).serve();
  return 0;
}

}  // namespace standpipe::child
