// SPDX-License-Identifier: Apache-2.0
#include "dial.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace nats {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::seconds kEndPatience{5};    // once its socket is shut down
constexpr std::chrono::minutes kBlindPatience{2};  // where the kernel does not tell: without /proc

struct Attempt {
  Owned<natsOptions> options;
  pid_t thread = 0;
  std::mutex mutex;
  std::condition_variable changed;
  bool has_ended = false, is_cut = false;
  Dialled result;
};

void run(const std::shared_ptr<Attempt>& attempt) {
  {
    const std::lock_guard lock(attempt->mutex);
    attempt->thread = static_cast<pid_t>(::syscall(SYS_gettid));
  }
  Dialled result;
  natsConnection* made = nullptr;
  result.status = natsConnection_Connect(&made, attempt->options.get());
  result.connection.reset(made);
  if (result.status != NATS_OK) result.why = error_text(result.status);
  nats_ReleaseThreadMemory();
  const std::lock_guard lock(attempt->mutex);
  attempt->result = std::move(result);
  attempt->has_ended = true;
  attempt->changed.notify_all();
}

struct Waiting {
  bool is_known = false;  // the kernel says what the thread does
  std::optional<int> fd;  // that it waits for in a system call
};

// As proc(5) has it: "running", or the number of the system call, and its arguments.
Waiting waiting(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  Waiting it{file.is_open(), std::nullopt};
  long call = -1;
  std::string argument;
  if (!(file >> call >> argument)) return it;
  if (call == SYS_read || call == SYS_write || call == SYS_recvfrom || call == SYS_sendto)
    it.fd = static_cast<int>(std::strtol(argument.c_str(), nullptr, 16));
  return it;
}

}  // namespace

Dialled dial(Owned<natsOptions> options, std::chrono::milliseconds handshake_limit) {
  const auto attempt = std::make_shared<Attempt>();
  attempt->options = std::move(options);
  std::thread([attempt] { run(attempt); }).detach();

  std::unique_lock lock(attempt->mutex);
  Waiting before;
  const auto began = Clock::now();
  auto since = began;
  while (!attempt->changed.wait_for(lock, kLookEvery, [&] { return attempt->has_ended; })) {
    const auto now = Clock::now();
    const auto it = attempt->thread ? waiting(attempt->thread) : Waiting{true, std::nullopt};
    if (it.fd != before.fd) since = now;
    before = it;
    if (it.fd && now - since > handshake_limit) {
      attempt->is_cut = true;
      ::shutdown(*it.fd, SHUT_RDWR);
    }
    if ((it.fd && now - since > handshake_limit + kEndPatience) ||
        (!it.is_known && now - began > kBlindPatience))
      return {NATS_TIMEOUT, "", nullptr, false, true};
  }
  attempt->result.is_cut = attempt->is_cut;
  return std::move(attempt->result);
}

}  // namespace nats
