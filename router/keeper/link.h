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
#include "base/file_id.h"
#include "keeper/requests.h"
#include "keeper/store.h"

namespace standpipe::keeper {

struct Message;

// The worker's side of its keeper: what earlier workers left, and what later ones are to have.
//
// What must outlive this process is handed over by name before anything depends on it: keep()
// returns when the keeper has it. When this worker dies after that, its successor gets the same
// open file from retrieve(). Without a keeper (in tests, or a hub inside another program) the same
// calls keep nothing: Link::none().
//
// A child that a plugin forks without executing anything gets none of it. It would hold the locks
// of a hub that ended long ago, and keep a FIFO open that others write to and nobody reads. A child
// made by a bare clone system call is not noticed.
//
// One thread, the loop's, except where noted.
class Link {
 public:
  // Of the process's own keeper, if it has one: STANDPIPE_KEEPER is "SOCKET,LIST", two inherited
  // descriptors. The variable is removed and everything inherited made close-on-exec, so that no
  // child gets any of it. Throws Failure when it makes no sense.
  static Link from_environment();
  static Link none() { return Link(); }

  // Whether there is a keeper, and alive as far as is known.
  bool kept() const { return socket_ && !lost_; }
  bool is_lost() const { return lost_; }        // there was one, and it is dead
  pid_t keeper_pid() const { return keeper_; }  // 0: none

  // What an earlier worker gave to be kept under this name; the keeper's own duplicate stays. Each
  // can be retrieved once, and must stay open until it is forgotten, like what is given to keep().
  std::optional<Fd> retrieve(const std::string& name);
  std::vector<std::string> names() const;  // of what can be taken

  // Gives the keeper a duplicate, which replaces what had the name, and waits until the keeper has
  // it. If the keeper dies meanwhile, that is remembered and on_readable() reports it. Throws
  // Failure when the keeper refuses: it keeps too many, or "memory" is not one (shared_header.h).
  void keep(const std::string& name, int fd);
  void forget(const std::string& name);  // also what was inherited and not taken

  void ready(std::string_view status = {});  // serving; `status` is for the service manager's eyes
  void
  saving();  // what is left; it may take as long as disks do, and nothing is answered meanwhile
  void stopping();  // it is saved: what is left is to say the account
  // The last message of a process that is about to end with this status, because everything is done
  // or nothing could begin. Any other end is a death.
  void ends(int status);
  void damaged();  // the same, because the memory does not hold together

  // A changed configuration is taken up: for the service manager's eyes.
  void reloading() { say("reloading"); }
  void reloaded() { say("reloaded"); }
  // This process becomes the next worker (successor.h). When it returns the keeper takes it for
  // that; what people asked for and was not answered is asked of the next one. Not without a
  // keeper: see kept().
  void succeeds();
  // This process ends, and another worker is to follow. Like `ends`, but for what comes of it.
  void retires() { say("retires"); }

  enum class Event { none, lost };
  int fd() const {
    return socket_.get();
  }  // for epoll (EPOLLIN, edge-triggered will do); -1: no keeper
  // Answers pings. `lost`: the keeper is dead, so nobody will follow this worker.
  Event on_readable();
  // What people asked of the hub since the last call. Each request is reported once, and the keeper
  // learns that it arrived.
  struct Asked {
    unsigned stops = 0;  // two: at once
    bool reopen = false;
    bool reload = false;
  };
  Asked asked();

  // All that the keeper has, as it is open here, also what was not retrieved.
  std::vector<Store::Entry> all_entries() const;

  // ---- for an OrphanWatch, which is another thread
  // Shows that the loop makes progress. While it saves, it may take as long as disks do.
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
  // What the fork handlers of the process use, which get no arguments; none: no keeper.
  static std::atomic<Shared*> forks_with_;
  void keep_from_children();
  static void before_fork();
  static void after_fork();
  static void in_child();
  void note(const std::string& name, int fd);
  void say(std::string_view verb, std::string_view rest = {}, int fd = -1);
  void wait_for_answer(const std::string& name);
  // Handles what may arrive at any time. A request is only remembered: the keeper repeats it until
  // asked() has answered.
  void on_message(const Message& message);

  std::unique_ptr<Shared> shared_ = std::make_unique<Shared>();
  Fd socket_;
  pid_t keeper_ = 0;
  std::map<std::string, Fd> inherited_;
  Wanted wanted_, acknowledged_;  // what the keeper sent; what asked() has reported
  bool answer_is_due_ = false;
  bool lost_ = false;
};

}  // namespace standpipe::keeper
