// SPDX-License-Identifier: Apache-2.0
#include "deliver/process_executor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/signals.h"
#include "base/text.h"
#include "deliver/child_services.h"

namespace standpipe::deliver {
namespace {

Nanoseconds real_time() { return SystemClock().steady(); }

Fd make_eventfd() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw Failure::system("make an eventfd for a handler's process", errno);
  return fd;
}

}  // namespace

ProcessExecutor::ProcessExecutor(const HandlerOptions& options, std::size_t id,
                                 const HandlerNeeds& needs, PluginHost& host, SharedCallPage& page,
                                 std::function<void()> completed, int made_fd, int wake_fd)
    : options_(options),
      id_(id),
      needs_(needs),
      host_(host),
      page_(page),
      completed_(std::move(completed)),
      made_fd_(made_fd),
      wake_fd_(wake_fd),
      wake_(make_eventfd()),
      limit_(options.timeout) {}

ProcessExecutor::~ProcessExecutor() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    wake();
  }
  thread_.join();
}

// ---- the loop

bool ProcessExecutor::start(const CallRequest& request) {
  const std::lock_guard lock(mutex_);
  const bool makes = request.kind == CallKind::create || request.kind == CallKind::open;
  const bool has_died = ending_ == Ending::died;  // and the loop hears of it presently
  if (!child_ && !makes && !has_died) {           // nothing is there that could be closed
    INVARIANT(request.kind == CallKind::disconnect || request.kind == CallKind::close);
    answer_ = {};
    ending_ = Ending::unmade;
    return true;
  }
  if (has_died) return false;
  begin(request);
  if (!thread_.joinable()) thread_ = start_without_signals([this] { serve(); });
  wants_child_ = !child_;
  if (child_) give();
  if (!child_ || limit_.wants_look()) wake();
  return false;
}

void ProcessExecutor::begin(const CallRequest& request) {
  page_->write_request(request, !is_made_);
  page_->stopping = needs_.stopping ? 1 : 0;
  if (request.kind == CallKind::open)
    host_.begin_open();
  else if (request.kind == CallKind::handle || request.kind == CallKind::reopen)
    host_.begin_call();
  limit_.begin(request.kind, real_time());
}

// If it has died meanwhile, the thread finds that out.
void ProcessExecutor::give() const { (void)send_number(child_->calls(), limit_.number()); }

void ProcessExecutor::run(const CallRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    limit_.set_waited_for(true);
  }
  (void)start(request);
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return ending_ != Ending::none; });
  limit_.set_waited_for(false);
}

Ending ProcessExecutor::take_ending() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ending_, Ending::none);
}

void ProcessExecutor::detach() {
  const std::lock_guard lock(mutex_);
  if (child_) child_->kill();
}

void ProcessExecutor::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

// ---- the thread

void ProcessExecutor::serve() {
  for (;;) {
    const auto ready = wait();
    bool wants_child = false;
    {
      const std::lock_guard lock(mutex_);
      if (stops_) break;
      wants_child = std::exchange(wants_child_, false);
    }
    if (wants_child)
      start_child();
    else if (child_)
      tend_child(ready);
  }
  if (kind_of_call() == CallKind::none) end_child();
  take_child().reset();
}

// The socket of services comes after that of calls: what was asked for before a call came back is
// seen with it.
ProcessExecutor::Ready ProcessExecutor::wait() {
  std::array<pollfd, 4> all{pollfd{wake_.get(), POLLIN, 0}};
  nfds_t count = 1;
  if (child_)
    for (const int fd : {child_->calls(), child_->services(), child_->process()})
      all[count++] = {fd, POLLIN, 0};
  int patience = 0;
  {
    const std::lock_guard lock(mutex_);
    patience = patience_ms();
  }
  if (::poll(all.data(), count, patience) <= 0) return {};
  std::uint64_t many = 0;
  if (all[0].revents) (void)!::read(wake_.get(), &many, sizeof many);
  return {all[1].revents != 0, all[2].revents != 0, all[3].revents != 0};
}

// -1: until something happens.
int ProcessExecutor::patience_ms() {
  const auto look = limit_.look_after(child_ != nullptr, real_time());
  return look ? static_cast<int>(
                    std::chrono::duration_cast<std::chrono::milliseconds>(*look).count())
              : -1;
}

ChildSetup ProcessExecutor::setup() const {
  const auto& memory = needs_.memory;
  return {.handler = options_.name,
          .id = id_,
          .plugin = options_.plugin->path,
          .is_source = options_.is_source,
          .sha256 = options_.plugin->sha256,
          .declared = ChildSetup::declaration(*options_.plugin),
          .values = options_.values,
          .memory_max = options_.memory_max,
          .user = options_.user,
          .run = needs_.children->run,
          .worker = ::getpid(),
          .messages_offset = memory.arena_offset(),
          .messages_bytes = memory.arena().size()};
}

void ProcessExecutor::start_child() try {
  page_->note.signal = page_->note.length = 0;
  page_->culprit = Death::kNobody;
  auto child = std::make_unique<ChildProcess>(
      needs_.children->program, setup(),
      ChildProcess::Lent{
          .memory = needs_.memory.fd(), .page = page_.fd(), .made = made_fd_, .wake = wake_fd_});
  const std::lock_guard lock(mutex_);
  child_ = std::move(child);
  give();
} catch (const Failure& failure) {
  const auto remedy = failure.help().empty() ? "" : " (" + failure.help() + ")";
  fail_to_start(failure.what() + remedy);
} catch (const std::exception& problem) {
  fail_to_start(problem.what());
}

void ProcessExecutor::fail_to_start(const std::string& why) {
  page_->write_answer({STANDPIPE_DISCONNECTED, why});
  come_back();
}

void ProcessExecutor::tend_child(const Ready& ready) {
  const auto heard = hear(ready);
  if (!child_) return;  // the call was the last one
  if (heard == Heard::nonsense) return bury(Death::by_nonsense(id_));
  if (ready.has_ended || heard == Heard::end) return bury_as_it_ended();
  bool overdue = false;
  Nanoseconds limit{0};
  {
    const std::lock_guard lock(mutex_);
    overdue = limit_.is_overdue(real_time());
    limit = limit_.most();
  }
  if (overdue) bury(Death::by_hang(id_, duration_text(limit), true));
}

// What it asked for before it came back, or died, is served first.
Heard ProcessExecutor::hear(const Ready& ready) {
  auto heard = Heard::nothing;
  if (ready.services) heard = hear_services(ready.has_ended ? 16 * kPacketsATurn : kPacketsATurn);
  if (heard == Heard::nonsense || !ready.calls) return heard;
  const auto calls = hear_calls();
  return heard == Heard::end ? heard : calls;
}

Heard ProcessExecutor::hear_calls() {
  std::uint64_t number = 0;
  const auto heard = receive_number(child_->calls(), number, false);
  if (heard != Heard::message) return heard;
  {
    const std::lock_guard lock(mutex_);
    if (!limit_.is_in(number)) return Heard::nonsense;
  }
  come_back();
  return Heard::message;
}

void ProcessExecutor::come_back() {
  if (kind_of_call() == CallKind::close) end_child();
  {
    const std::lock_guard lock(mutex_);
    answer_ = page_->read_answer();
    const bool made_it = answer_.ok() || page_->flight.phase != Phase::create;
    is_made_ = child_ && (is_made_ || made_it);
    host_.end_open();
    limit_.end();
    ending_ = Ending::answered;
  }
  ended_.notify_all();
  completed_();
}

// Nothing is called any more. It destroys its plugin's instance first, which may hang.
void ProcessExecutor::end_child() {
  auto child = take_child();
  if (!child || child->end(kEndMost)) return;
  needs_.reporter.warning("stuck", options_.name + ": its process did not end within " +
                                       duration_text(kEndMost) + " and was killed");
}

CallKind ProcessExecutor::kind_of_call() {
  const std::lock_guard lock(mutex_);
  return limit_.kind();
}

std::unique_ptr<ChildProcess> ProcessExecutor::take_child() {
  const std::lock_guard lock(mutex_);
  return std::move(child_);
}

Heard ProcessExecutor::hear_services(int most) {
  for (int i = 0; i < most; ++i) {
    ServiceRequest request;
    auto heard = receive_request(child_->services(), request);
    if (heard == Heard::message) heard = serve_one(request);
    if (heard != Heard::message) return heard;
  }
  return Heard::message;
}

// Outputs change only inside a call, so the loop does not begin one meanwhile. Whoever waits for an
// answer has room for it.
Heard ProcessExecutor::serve_one(const ServiceRequest& request) try {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (changes_outputs(request.service)) lock.lock();
  const auto answer = serve_child(request, host_);
  if (!answer) return Heard::message;
  const int problem = send_answer(child_->services(), *answer);
  return problem == EAGAIN ? Heard::nonsense : Heard::message;
} catch (const std::exception& problem) {
  (void)send_answer(child_->services(), {0, problem.what()});
  return Heard::message;
}

void ProcessExecutor::bury_as_it_ended() {
  if (!child_->has_ended_within(kDieMost)) return bury(Death::by_nonsense(id_));
  const auto status = child_->reap();
  const CrashNote note = page_->note;
  bury(Death::of_child(id_, status, note));
}

void ProcessExecutor::bury(Death death) {
  take_child().reset();  // killed, and waited for, before anybody hears of it
  {
    const std::lock_guard lock(mutex_);
    is_made_ = false;
    host_.end_open();
    limit_.end();
    death_ = std::move(death);
    ending_ = Ending::died;
  }
  ended_.notify_all();
  completed_();
}

}  // namespace standpipe::deliver
