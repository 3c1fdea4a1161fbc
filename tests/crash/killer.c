/* SPDX-License-Identifier: Apache-2.0
 *
 * Kills a worker at one exact place: before or after the N-th system call of a message's journey
 * that any of its threads makes, or some instructions later.
 *
 *   killer --pid PID --at N --when before|after [--step K]   K: that thread first runs K more
 *                                                            instructions
 *   killer --pid PID --count                                 kills nobody; reports how many calls
 *                                                            there were when the worker ended
 *   ... --keeper PID --at N,M                                also kills its parent's next child at
 *                                                            its M-th call
 *
 * It says "attached" once it watches all threads. A kill before a call means that the kernel never
 * began it: a tracee that is killed at the entry skips the call. What the worker notices of being
 * watched is that its waits end with EINTR when the watch begins. Seized, not attached: no signal
 * is sent to the worker, and a stop signal stops it as it would without us.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kThreads = 256, kKills = 2 };

static const struct {
  long number;
  const char* name;
} journey[] = {
    {SYS_splice, "splice"},
    {SYS_tee, "tee"},
    {SYS_read, "read"},
    {SYS_readv, "readv"},
    {SYS_write, "write"},
    {SYS_writev, "writev"},
    {SYS_pread64, "pread64"},
    {SYS_pwrite64, "pwrite64"},
    {SYS_pwritev, "pwritev"},
    {SYS_ioctl, "ioctl"},
    {SYS_open, "open"},
    {SYS_openat, "openat"},
    {SYS_close, "close"},
    {SYS_epoll_wait, "epoll_wait"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_epoll_pwait2, "epoll_pwait2"},
    {SYS_epoll_ctl, "epoll_ctl"},
    {SYS_fdatasync, "fdatasync"},
    {SYS_ftruncate, "ftruncate"},
    {SYS_fallocate, "fallocate"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_unlink, "unlink"},
    {SYS_unlinkat, "unlinkat"},
    {SYS_rename, "rename"},
    {SYS_renameat, "renameat"},
    {SYS_flock, "flock"},
};
enum { kJourney = sizeof journey / sizeof *journey };

struct thread {
  pid_t tid;
  pid_t process;
  uint64_t call; /* the number of the journey's call it is in; 0: in none */
};

static struct thread threads[kThreads];
static int thread_count;

static pid_t worker;
static pid_t keeper;
static bool counting;
static uint64_t kill_at[kKills];
static int kills_wanted;
static int kills_done;
static bool kill_after;
static uint64_t steps;

static uint64_t calls; /* of the present worker */
static uint64_t histogram[kJourney];
static pid_t stepping; /* the thread that goes on by instructions */
static uint64_t steps_left;

static _Noreturn void fail(const char* what) {
  fprintf(stderr, "killer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void usage(void) {
  fprintf(stderr,
          "usage: killer --pid PID (--count | --at N[,M] --when before|after [--step K]) [--keeper "
          "PID]\n");
  exit(2);
}

/* ---- who is watched */

static struct thread* find(pid_t tid) {
  for (int i = 0; i < thread_count; ++i)
    if (threads[i].tid == tid) return &threads[i];
  return NULL;
}

static pid_t process_of(pid_t tid) {
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  FILE* file = fopen(path, "re");
  int process = 0;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Tgid: %d", &process) == 1) break;
  if (file) fclose(file);
  return process;
}

static struct thread* watch(pid_t tid) {
  struct thread* t = find(tid);
  if (t) return t;
  if (thread_count == kThreads) {
    errno = E2BIG;
    fail("threads");
  }
  t = &threads[thread_count++];
  *t = (struct thread){.tid = tid, .process = process_of(tid)};
  return t;
}

static void forget(pid_t tid) {
  struct thread* t = find(tid);
  if (t) *t = threads[--thread_count];
}

/* The next worker: the child that the keeper makes when the last one is dead. */
static void follow(pid_t process) {
  if (process == worker || process == keeper) return;
  worker = process;
  calls = 0;
}

static bool seize(pid_t tid, long options) {
  if (find(tid)) return false;
  if (ptrace(PTRACE_SEIZE, tid, NULL, options) != 0) {
    if (errno == ESRCH) return false; /* it ended meanwhile */
    fail("PTRACE_SEIZE");
  }
  watch(tid);
  if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 && errno != ESRCH) fail("PTRACE_INTERRUPT");
  return true;
}

/* Again until a look at the list finds nobody new: a thread that is not watched yet may make
 * others. */
static void seize_all(pid_t process, long options) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", process);
  for (bool found = true; found;) {
    found = false;
    DIR* tasks = opendir(path);
    if (!tasks) fail(path);
    for (struct dirent* entry; (entry = readdir(tasks));)
      if (entry->d_name[0] != '.') found |= seize((pid_t)atoi(entry->d_name), options);
    closedir(tasks);
  }
}

/* ---- the journey's calls */

static int journey_index(const struct __ptrace_syscall_info* info) {
  const long number = (long)info->entry.nr;
  if (number == SYS_ioctl && info->entry.args[1] != FIONREAD) return -1;
  for (int i = 0; i < kJourney; ++i)
    if (journey[i].number == number) return i;
  return -1;
}

static void go_on(pid_t tid, int signal_number) {
  const bool by_instructions = tid == stepping;
  const struct thread* t = find(tid);
  const bool calls_matter = t && t->process == worker && (counting || kills_done < kills_wanted);
  const long how = by_instructions ? PTRACE_SINGLESTEP
                   : calls_matter  ? PTRACE_SYSCALL
                                   : PTRACE_CONT;
  ptrace((enum __ptrace_request)how, tid, NULL,
         (long)signal_number); /* ESRCH: it was killed meanwhile */
}

static void kill_worker(void) {
  printf("killed %s call %llu%s\n", kill_after ? "after" : "before",
         (unsigned long long)kill_at[kills_done], steps ? ", stepped" : "");
  fflush(stdout);
  ++kills_done;
  stepping = 0;
  if (kill(worker, SIGKILL) != 0) fail("kill");
}

/* True: that thread stays where it is. */
static bool arrive(pid_t tid) {
  if (!steps) {
    kill_worker();
    return true;
  }
  stepping = tid;
  steps_left = steps;
  return false;
}

static bool on_call(struct thread* t) {
  struct __ptrace_syscall_info info;
  if (t->process != worker || ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) <= 0)
    return false;
  const bool armed = kills_done < kills_wanted && !stepping;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    const int index = journey_index(&info);
    t->call = index < 0 ? 0 : ++calls;
    if (index >= 0) ++histogram[index];
    return armed && !kill_after && t->call && t->call == kill_at[kills_done] && arrive(t->tid);
  }
  const uint64_t call = t->call;
  t->call = 0;
  return armed && kill_after && call && call == kill_at[kills_done] && arrive(t->tid);
}

/* ---- what waitpid tells */

static void on_stop(pid_t tid, int status) {
  struct thread* t = watch(tid);
  const int signal_number = WSTOPSIG(status);
  const int event = status >> 16;
  follow(t->process);
  if (signal_number == (SIGTRAP | 0x80)) {
    if (!on_call(t)) go_on(tid, 0);
  } else if (event == PTRACE_EVENT_STOP && signal_number != SIGTRAP) {
    ptrace(PTRACE_LISTEN, tid, NULL,
           NULL); /* a stop of the whole process: it stays stopped until it is continued */
  } else if (event != 0) {
    go_on(tid, 0);
  } else if (tid == stepping && signal_number == SIGTRAP) {
    if (--steps_left == 0)
      kill_worker();
    else
      go_on(tid, 0);
  } else {
    go_on(tid, signal_number);
  }
}

/* Waits for the dead, too: a process that is traced is not dead to its parent before its tracer has
 * seen it. */
static void run(void) {
  for (;;) {
    int status;
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0 && errno == EINTR) continue;
    if (tid < 0) return; /* nobody is left */
    if (WIFSTOPPED(status))
      on_stop(tid, status);
    else
      forget(tid);
  }
}

static void report(void) {
  if (!counting && kills_done == kills_wanted) return;
  printf("ended after %llu calls\n", (unsigned long long)calls);
  for (int i = 0; i < kJourney; ++i)
    if (histogram[i]) printf("  %6llu %s\n", (unsigned long long)histogram[i], journey[i].name);
}

static void read_places(char* text) {
  for (char* place = strtok(text, ","); place && kills_wanted < kKills; place = strtok(NULL, ","))
    kill_at[kills_wanted++] = strtoull(place, NULL, 10);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char* value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--count") == 0) {
      counting = true;
      continue;
    }
    if (!value) usage();
    if (strcmp(argv[i], "--pid") == 0)
      worker = (pid_t)atoi(value);
    else if (strcmp(argv[i], "--keeper") == 0)
      keeper = (pid_t)atoi(value);
    else if (strcmp(argv[i], "--at") == 0)
      read_places(value);
    else if (strcmp(argv[i], "--when") == 0)
      kill_after = strcmp(value, "after") == 0;
    else if (strcmp(argv[i], "--step") == 0)
      steps = strtoull(value, NULL, 10);
    else
      usage();
    ++i;
  }
  if (!worker || counting == (kills_wanted > 0)) usage();
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
  if (keeper) seize_all(keeper, options | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK);
  seize_all(worker, options);
  puts("attached");
  fflush(stdout);
  run();
  report();
  return 0;
}
