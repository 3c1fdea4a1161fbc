// SPDX-License-Identifier: Apache-2.0
#include "worker/examination.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/failure.h"
#include "keeper/processes.h"

namespace standpipe::worker {

Examination::Examination(const keeper::Program& program, std::vector<std::string> arguments,
                         int running, Nanoseconds now)
    : deadline_(now + kMost), found_(::memfd_create("standpipe: examination", MFD_CLOEXEC)) {
  if (!found_) throw Failure::system("make a file in memory", errno);
  // A child gets no descriptor that the keeper has, so this is another one (keeper::Link).
  const Fd copy(::fcntl(running, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy) throw Failure::system("hand over the configuration", errno);
  const std::array inherited{found_.get(), copy.get()};
  // Before the operands.
  const auto operands = std::find(arguments.begin(), arguments.end(), "--");
  arguments.insert(operands,
                   {"--examine", std::to_string(found_.get()) + ',' + std::to_string(copy.get())});
  pid_ = program.start(arguments, inherited, "STANDPIPE_EXAMINES=1");
  process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (process_) return;
  const int problem = errno;
  ::kill(pid_, SIGKILL);
  reap();
  throw Failure::system("watch the process that examines the configuration", problem);
}

Examination::~Examination() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void Examination::reap() {
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  if (ended == pid_) status_ = status;  // else somebody else, a plugin, has waited for it
  pid_ = 0;
}

Parts Examination::result() {
  reap();
  try {
    return Parts::read(found_.get());
  } catch (const Failure&) {
    throw Failure("the process that examines the configuration ended without a word" +
                  (status_ ? " (" + keeper::status_text(*status_) + ")" : ""));
  }
}

}  // namespace standpipe::worker
