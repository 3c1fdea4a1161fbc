// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "keeper/requests.h"
#include "keeper/store.h"

namespace standpipe::keeper {

struct Sentence;

// The worker's side of its keeper: what earlier workers left, and whatever later ones shall have.
//
// What must outlive this process is handed over by name before anything depends on it: keep() comes back when the keeper has it.
// Whoever dies after that, a successor finds the same open file by take(). Without a keeper (tests, a hub within another program)
// the same calls keep nothing: Link::none().
//
// A child that a plugin forks, and that executes nothing, has none of it: it would hold the locks of a hub that is long gone, and
// keep a FIFO open to which others write in vain. A child made by a bare clone system call is not noticed.
//
// For one thread, the loop's, but for what is said below.
class Link {
 public:
  // Of the process's own keeper, if it has one: STANDPIPE_KEEPER is "SOCKET,LIST", two inherited descriptors. The variable is
  // removed and everything inherited made close-on-exec, so that no child gets any of it. Throws Failure when it makes no sense.
  static Link from_environment();
  static Link none() { return Link(); }

  // Whether there is a keeper, and alive as far as is known.
  bool kept() const { return socket_ && !lost_; }
  pid_t keeper_pid() const { return keeper_; }  // 0: none

  // What an earlier worker gave to be kept under this name; the keeper's own duplicate stays kept. Each can be had once, and is to
  // stay open until it is forgotten, as what is given to be kept.
  std::optional<Fd> take(const std::string& name);
  std::vector<std::string> names() const;  // of what can be taken

  // Gives the keeper a duplicate, replacing what had the name, and waits until it has it. When the keeper dies meanwhile, that is
  // noted and on_readable() will tell. Throws Failure when it refuses: it keeps too many, or "memory" is none (shared_header.h).
  void keep(const std::string& name, int fd);
  void forget(const std::string& name);  // also what was inherited and not taken

  void ready(std::string_view status = {});  // serving; `status` is for the service manager's eyes
  void saving();                             // what is left; it may take as long as disks do, and nothing is answered meanwhile
  void stopping();                           // it is saved: what is left is to say the account
  // The last that is said, by a process that is about to end with this status, because all is done or nothing could begin. Any
  // other end is a death.
  void ends(int status);
  void damaged();  // the same, because the memory does not hold together

  enum class Event { none, lost };
  int fd() const { return socket_.get(); }  // for epoll (EPOLLIN, edge-triggered will do); -1: no keeper
  // Answers pings. `lost`: the keeper is dead, so nobody will follow this worker.
  Event on_readable();
  // What people asked of the hub since the last call; each request is told once, and the keeper learns that it was heard.
  struct Asked {
    unsigned stops = 0;  // two: at once
    bool reopen = false;
    bool reload = false;
  };
  Asked asked();

  // ---- for an OrphanWatch, which is another thread
  // That the loop comes round. While it saves it may take as long as disks do.
  struct Pulse {
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<bool> saves{false}, saved{false};
  };
  Pulse& pulse() const { return shared_->pulse; }
  int socket() const { return socket_.get(); }
  // What the keeper has, as it is open here. What was closed meanwhile is left out.
  std::vector<Store::Entry> entries() const;

 private:
  Link() = default;
  struct Open {
    int fd;
    FileId id;
  };
  struct Shared {
    ~Shared();
    Pulse pulse;
    std::mutex mutex;
    std::map<std::string, Open> open;  // guarded by mutex
    int socket = -1;
  };
  // What the fork handlers of the process, which are told nothing, act on; none: no keeper.
  static std::atomic<Shared*> forks_with_;
  void keep_from_children();
  static void before_fork();
  static void after_fork();
  static void in_child();
  void note(const std::string& name, int fd);
  void say(std::string_view verb, std::string_view rest = {}, int fd = -1);
  void wait_for_answer(const std::string& name);
  // Of what may come at any time. What is wanted is only noted: the keeper says it again until asked() has answered.
  void on_sentence(const Sentence& sentence);

  std::unique_ptr<Shared> shared_ = std::make_unique<Shared>();
  Fd socket_;
  pid_t keeper_ = 0;
  std::map<std::string, Fd> inherited_;
  Wanted wanted_, heard_;  // as the keeper says; of which this was told
  bool answer_is_due_ = false;
  bool lost_ = false;
};

}  // namespace standpipe::keeper
