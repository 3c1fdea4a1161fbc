// SPDX-License-Identifier: Apache-2.0
#include "worker/configurations.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failure.h"
#include "base/file_id.h"
#include "keeper/wire.h"

namespace standpipe::worker {
namespace {

constexpr auto kInForce = "configuration", kNext = "configuration-next",
               kFailed = "configuration-failed";
constexpr auto kTried = keeper::kTriedConfiguration;
constexpr auto kCalled = "standpipe: configuration";

}  // namespace

Configurations::Configurations(keeper::Link& link, bool only_in_force) : link_(link) {
  auto in_force = take(kInForce, in_force_);
  if (only_in_force) {
    if (!in_force) return;
    mine_ = std::move(*in_force);
    start_ = Start::again;
    return;
  }
  auto next = take(kNext, next_), tried = take(kTried, tried_);
  if (const auto failed = take(kFailed, failed_)) failure_ = failed->text("why");
  if (!in_force) return;
  mine_ = std::move(*in_force);
  if (tried) {
    start_ = FileId::of(tried_.get()) == FileId::of(in_force_.get()) ? Start::is_through
                                                                     : Start::goes_back;
    other_ = std::move(*tried);
    if (next) withdraw();
  } else if (next) {
    link_.keep(kTried, next_.get());
    tried_ = std::move(next_);
    link_.forget(kNext);
    start_ = Start::tries;
    other_ = std::exchange(mine_, std::move(*next));
  } else {
    start_ = Start::again;
  }
}

std::optional<Parts> Configurations::take(const char* name, Fd& file) {
  auto kept = link_.retrieve(name);
  if (!kept) return std::nullopt;
  file = std::move(*kept);
  return Parts::read(file.get());
}

void Configurations::begin(Parts first) {
  in_force_ = first.write(kCalled);
  link_.keep(kInForce, in_force_.get());
  mine_ = std::move(first);
}

void Configurations::propose(const Parts& next) {
  next_ = next.write(kCalled);
  link_.keep(kNext, next_.get());
}

void Configurations::withdraw() {
  link_.forget(kNext);
  next_.reset();
}

void Configurations::fail(const std::string& why) {
  Parts parts;
  parts.set("why", why);
  failed_ = parts.write(kCalled);
  link_.keep(kFailed, failed_.get());
}

void Configurations::confirm() {
  in_force_ = Fd(::fcntl(tried_.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!in_force_) throw Failure::system("keep the configuration", errno);
  link_.keep(kInForce, in_force_.get());
  start_ = Start::is_through;  // what goes wrong from here on does not lead back
}

void Configurations::forget_reload() {
  for (const auto& [name, file] : {std::pair(kTried, &tried_), std::pair(kFailed, &failed_)}) {
    if (!*file) continue;
    link_.forget(name);
    file->reset();
  }
}

}  // namespace standpipe::worker
