// SPDX-License-Identifier: Apache-2.0
//
// standpipe/open.hpp: opens files, FIFOs and folders where others may write, without being led
// astray. Header-only, C++17, needs only the C library. The router opens its paths with it, and so
// should a plugin: a hub often runs as root, and whoever may write to a folder on the way can put a
// symbolic link, a file or a FIFO of their own where the hub is about to write.
//
//   auto file = standpipe::paths::open_or_create("/var/log/orders.log", O_WRONLY | O_APPEND, 0640);
//   if (!file) throw standpipe::disconnected(file.problem().whole());
//   ::write(file.fd(), ...);                      // file.release() gives the descriptor away
//
// The rules, looked at anew at each opening, on descriptors and never on names:
//   - A symbolic link is followed when we or root made it. An ordinary user also follows one on the
//     way (not the last part of the path) that the owner of its folder made, unless everybody may
//     write to that folder.
//   - In a folder where others may write, an existing file or FIFO must belong to us or to root,
//     and a file must have no second name. (As fs.protected_symlinks, _hardlinks, _regular and
//     _fifos have it, whatever those are set to.)
//   - root besides enters no folder that belongs to somebody else, and none that everybody may
//     write to without the sticky bit: there, others can replace what root opened. Who used sudo
//     (SUDO_UID) counts as root. Without full powers (a user namespace that maps only some users)
//     root counts as an ordinary user.
//   - Rules::trust_others lifts all of them: the forced exception, for which our plugins have the
//     option `trust: others`.
// The walk is our own and not openat2(RESOLVE_NO_SYMLINKS), which refuses every link and cannot
// tell whose folder it entered.
//
// Errors: nothing throws but std::bad_alloc; what fails says so in a Problem, with an errno (EPERM
// when a rule refused). Threads: any; an Entry and an Opened belong to one at a time. Descriptors
// are close-on-exec. Modes are permission bits, less the umask.
#pragma once

#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace standpipe::paths {

struct Problem {
  int error = 0;     // an errno; 0: there is none
  std::string text;  // one sentence that names the part of the path which is to blame
  std::string help;  // what to do about it; may be empty
  std::string at;    // that part

  std::string whole() const { return help.empty() ? text : text + ": " + help; }
};

struct Rules {
  bool trust_others = false;  // follow and use whatever stands there
  bool follow_last =
      true;  // false: a symbolic link as the last part of the path is refused, whoever made it
  std::optional<uid_t> owner = {};  // besides us and root: who may own what stands at the path
  std::optional<mode_t> make_folders = {};  // makes the folders that are missing, with this mode
  std::string exception = {};               // how a person forces it, for help: "set trust: others"
};

// Whose powers count. A test makes one of its own.
struct User {
  uid_t uid = 0;
  bool is_root = false;            // with power over everybody's files
  std::optional<uid_t> sudo = {};  // who became root by sudo

  static User current();
  bool is_ours(uid_t owner) const {
    return owner == uid || owner == 0 || (is_root && sudo == owner);
  }
};

// The name of a user, for people.
inline std::string user_name(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(16384);
  if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found)
    return found->pw_name;
  return "user " + std::to_string(uid);
}

namespace detail {

inline std::string error_text(int error) { return std::generic_category().message(error); }

// false: root of a user namespace, whose powers end where its map does.
inline bool maps_all_users() {
  static const bool all = [] {
    unsigned long inside = 0, outside = 0, count = 0;
    std::FILE* file = std::fopen("/proc/self/uid_map", "re");
    if (!file) return true;
    const bool read = std::fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3;
    std::fclose(file);
    return !read || (inside == 0 && outside == 0 && count >= UINT_MAX);
  }();
  return all;
}

// ---- the rules themselves: each returns what is wrong, or nothing

inline bool others_may_write(const struct stat& folder, const User& user) {
  if (folder.st_mode & S_IWOTH) return true;
  return user.is_root && (folder.st_mode & S_IWGRP) && folder.st_gid != 0;
}

inline std::string folder_fault(const struct stat& folder, const User& user) {
  if (!user.is_root) return {};
  if (!user.is_ours(folder.st_uid))
    return "belongs to " + user_name(folder.st_uid) + ", who can replace what is in it";
  if ((folder.st_mode & S_IWOTH) && !(folder.st_mode & S_ISVTX))
    return "may be written to by everybody, who can replace what is in it";
  return {};
}

inline std::string link_fault(const struct stat& folder, const struct stat& link, bool is_last,
                              const User& user) {
  if (user.is_ours(link.st_uid)) return {};
  if (!user.is_root && !is_last && !others_may_write(folder, user) && link.st_uid == folder.st_uid)
    return {};
  return "is a symbolic link made by " + user_name(link.st_uid) + ", not by you";
}

inline std::string entry_fault(const struct stat& folder, const struct stat& entry,
                               const Rules& rules, const User& user) {
  const bool is_shared = others_may_write(folder, user);
  if (is_shared && !S_ISDIR(entry.st_mode) && !user.is_ours(entry.st_uid) &&
      rules.owner != entry.st_uid)
    return "belongs to " + user_name(entry.st_uid) + ", in a folder that " +
           (folder.st_mode & S_IWOTH ? "anyone" : "a group") + " may write to";
  if ((is_shared || !user.is_ours(folder.st_uid)) && S_ISREG(entry.st_mode) && entry.st_nlink > 1)
    return "has a second name (a hard link), in a folder that others may write to";
  return {};
}

}  // namespace detail

inline User User::current() {
  User user{::geteuid(), ::geteuid() == 0 && detail::maps_all_users(), {}};
  if (const char* sudo = user.is_root ? std::getenv("SUDO_UID") : nullptr) {
    char* end = nullptr;
    const auto number = std::strtoul(sudo, &end, 10);
    if (*sudo >= '0' && *sudo <= '9' && *end == '\0' && number < UINT_MAX)
      user.sudo = static_cast<uid_t>(number);
  }
  return user;
}

// A descriptor, or why there is none.
class Opened {
 public:
  explicit Opened(int fd) : fd_(fd) {}
  explicit Opened(Problem problem) : problem_(std::move(problem)) {}
  Opened(Opened&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), problem_(std::move(other.problem_)) {}
  Opened& operator=(Opened&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(problem_, other.problem_);
    return *this;
  }
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  const Problem& problem() const { return problem_; }

 private:
  int fd_ = -1;
  Problem problem_;
};

// Where a path leads: a folder that passed the rules, held open, and a name in it, which may be
// missing. All operations are about that name in that folder, wherever the path leads by then; they
// never follow a link. Short-lived: make one for each opening.
class Entry {
 public:
  // The path may be relative to the current folder.
  explicit Entry(const std::string& path, Rules rules = {}, const User& user = User::current());

  explicit operator bool() const { return problem_.error == 0; }
  const Problem& problem() const { return problem_; }
  bool exists() const { return exists_; }
  const struct stat& status() const { return status_; }  // when it exists
  const struct stat& folder_status() const { return folder_status_; }
  const std::string& path() const { return real_; }  // without the links that were followed
  const std::string& name() const { return name_; }
  bool followed() const { return followed_; }  // the last part of the path was a symbolic link
  int folder() const { return folder_.fd(); }  // O_PATH

  // Opens what exists(). Never waits: O_NONBLOCK is set. O_CREAT and O_EXCL are ignored.
  Opened open(int flags) const;
  // Makes a file. EEXIST when something has come to stand there.
  Opened create(int flags, mode_t mode) const;
  // Each returns 0 or an errno. The names are in the same folder.
  int make_fifo(mode_t mode) const {
    return ::mkfifoat(folder(), name_.c_str(), mode) == 0 ? 0 : errno;
  }
  int make_folder(mode_t mode) const {
    return ::mkdirat(folder(), name_.c_str(), mode) == 0 ? 0 : errno;
  }
  int remove() const { return ::unlinkat(folder(), name_.c_str(), 0) == 0 ? 0 : errno; }
  int rename_to(const std::string& name) const { return rename(name_, name); }
  int rename(const std::string& from, const std::string& to) const {
    return ::renameat(folder(), from.c_str(), folder(), to.c_str()) == 0 ? 0 : errno;
  }
  // Looks at another name in the folder, following nothing. Returns 0 or an errno.
  int status_of(const std::string& name, struct stat& status) const {
    return ::fstatat(folder(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
  }
  int sync_folder() const;
  // A Problem of this path, in the words of this header.
  Problem failed(const char* what, int error) const;

 private:
  void push(const std::string& path);
  bool begin(bool is_absolute);
  bool step();
  bool enter(const std::string& part);
  bool enter_made(const std::string& part);
  bool arrive(const std::string& part);
  bool follow(const std::string& part, const Opened& link, bool is_last);
  bool follow_by_kernel(const std::string& part, bool is_last);
  bool enter_folder(Opened folder, std::string real);
  bool refuse(const std::string& at, const std::string& fault, const std::string& help);
  bool fail(const std::string& at, int error);
  std::string below(const std::string& part) const;

  std::string asked_;
  Rules rules_;
  User user_;
  std::vector<std::string> todo_;  // parts of the path, the next one last
  int links_ = 0;
  Opened folder_{-1};
  struct stat folder_status_ {};
  struct stat status_ {};
  std::string real_;
  std::string name_;
  bool exists_ = false;
  bool followed_ = false;
  bool by_kernel_ = false;  // a link of /proc, which has no text to walk
  Problem problem_;
};

// ---- what most need

// Opens the file, or makes it with that mode. O_TRUNC happens only after the rules were kept.
inline Opened open_or_create(const std::string& path, int flags, mode_t mode,
                             const Rules& rules = {}) {
  Problem last;
  for (int attempt = 0; attempt < 16; ++attempt) {  // somebody may make and remove it meanwhile
    const Entry entry(path, rules);
    if (!entry) return Opened(entry.problem());
    auto opened = entry.exists() ? entry.open(flags) : entry.create(flags, mode);
    const int error = opened.problem().error;
    if (opened || (error != EEXIST && error != ENOENT && error != ESTALE)) return opened;
    last = opened.problem();
  }
  return Opened(std::move(last));
}

// Opens what is there; never makes anything.
inline Opened open_existing(const std::string& path, int flags, const Rules& rules = {}) {
  const Entry entry(path, rules);
  if (!entry) return Opened(entry.problem());
  return entry.exists() ? entry.open(flags) : Opened(entry.failed("open", ENOENT));
}

// ---- how

inline Entry::Entry(const std::string& path, Rules rules, const User& user)
    : asked_(path), rules_(std::move(rules)), user_(user) {
  if (path.empty()) {
    fail(path, ENOENT);
    return;
  }
  push(path);
  if (!begin(path[0] == '/')) return;
  while (step()) {
  }
}

inline void Entry::push(const std::string& path) {
  for (auto end = path.size(); end > 0;) {
    const auto slash = path.rfind('/', end - 1);
    const auto start = slash == std::string::npos ? 0 : slash + 1;
    auto part = path.substr(start, end - start);
    if (!part.empty() && part != ".") todo_.push_back(std::move(part));
    end = slash == std::string::npos ? 0 : slash;
  }
}

inline bool Entry::begin(bool is_absolute) {
  const char* start = is_absolute ? "/" : ".";
  Opened folder(::open(start, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(start, errno);
  return enter_folder(std::move(folder), is_absolute ? "/" : "");
}

// One part of the path. false: arrived, or failed.
inline bool Entry::step() {
  if (todo_.empty()) {
    name_ = ".";
    status_ = folder_status_;
    exists_ = true;
    return false;
  }
  const auto part = std::move(todo_.back());
  todo_.pop_back();
  if (part == "..") return enter(part);
  return todo_.empty() ? arrive(part) : enter(part);
}

// O_DIRECTORY first, because only then is a file system mounted that waits to be used.
inline bool Entry::enter(const std::string& part) {
  const int how = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  Opened next(::openat(folder(), part.c_str(), how | O_DIRECTORY));
  if (next) return enter_folder(std::move(next), below(part));
  if (errno == ENOENT && rules_.make_folders) return enter_made(part);
  if (errno != ENOTDIR && errno != ELOOP) return fail(below(part), errno);
  Opened link(::openat(folder(), part.c_str(), how));
  if (!link) return fail(below(part), errno);
  return follow(part, link, false);
}

inline bool Entry::enter_made(const std::string& part) {
  if (::mkdirat(folder(), part.c_str(), *rules_.make_folders) != 0 && errno != EEXIST)
    return fail(below(part), errno);
  (void)sync_folder();  // best effort: what cannot be synced is said when a file is written
  Opened made(::openat(folder(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY));
  return made ? enter_folder(std::move(made), below(part)) : fail(below(part), errno);
}

inline bool Entry::arrive(const std::string& part) {
  name_ = part;
  Opened found(::openat(folder(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!found && errno == ENOENT) {
    real_ = below(part);
    return false;
  }
  if (!found || ::fstat(found.fd(), &status_) != 0) return fail(below(part), errno);
  if (S_ISLNK(status_.st_mode)) return follow(part, found, true);
  real_ = below(part);
  exists_ = true;
  if (rules_.trust_others) return false;
  const auto fault = detail::entry_fault(folder_status_, status_, rules_, user_);
  return !fault.empty() &&
         refuse(real_, fault, "remove it, or use a folder that only you may write to");
}

inline bool Entry::follow(const std::string& part, const Opened& link, bool is_last) {
  constexpr int kLinksMost = 40;  // as the kernel has it
  struct stat status {};
  if (::fstat(link.fd(), &status) != 0) return fail(below(part), errno);
  if (!S_ISLNK(status.st_mode)) return fail(below(part), ENOTDIR);
  followed_ |= is_last;
  if (++links_ > kLinksMost) return fail(below(part), ELOOP);
  if (is_last && !rules_.follow_last)
    return refuse(below(part), "is a symbolic link, where none may be", "remove it");
  const auto fault = detail::link_fault(folder_status_, status, is_last, user_);
  if (!rules_.trust_others && !fault.empty())
    return refuse(below(part), fault, "remove it, or use a folder that only you may write to");
  struct statfs system {};
  if (::fstatfs(link.fd(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
    return follow_by_kernel(part, is_last);
  std::vector<char> text(PATH_MAX);
  const auto n = ::readlinkat(link.fd(), "", text.data(), text.size());
  if (n <= 0) return fail(below(part), n < 0 ? errno : ENOENT);
  push(std::string(text.data(), static_cast<std::size_t>(n)));
  return text[0] != '/' || begin(true);
}

inline bool Entry::follow_by_kernel(const std::string& part, bool is_last) {
  Opened next(::openat(folder(), part.c_str(), O_PATH | O_CLOEXEC));
  if (!next || ::fstat(next.fd(), &status_) != 0) return fail(below(part), errno);
  if (S_ISDIR(status_.st_mode)) return enter_folder(std::move(next), below(part));
  if (!is_last) return fail(below(part), ENOTDIR);
  real_ = below(part);
  exists_ = by_kernel_ = true;
  return false;
}

inline bool Entry::enter_folder(Opened folder, std::string real) {
  if (::fstat(folder.fd(), &folder_status_) != 0) return fail(real, errno);
  folder_ = std::move(folder);
  real_ = std::move(real);
  const auto fault =
      rules_.trust_others ? std::string() : detail::folder_fault(folder_status_, user_);
  return fault.empty() ||
         refuse(real_.empty() ? "." : real_, fault, "use a folder that only you may write to");
}

inline std::string Entry::below(const std::string& part) const {
  if (real_.empty()) return part;
  const auto slash = real_.rfind('/');
  const auto last = slash == std::string::npos ? real_ : real_.substr(slash + 1);
  if (part != ".." || last == "..") return real_ + (real_.back() == '/' ? "" : "/") + part;
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : real_.substr(0, slash);
}

inline bool Entry::refuse(const std::string& at, const std::string& fault,
                          const std::string& help) {
  const bool is_whole = at == asked_;
  problem_ = {EPERM, (is_whole ? "" : "cannot use " + asked_ + ": ") + at + " " + fault, help, at};
  if (!rules_.exception.empty()) problem_.help += ", or " + rules_.exception;
  exists_ = false;
  return false;
}

inline bool Entry::fail(const std::string& at, int error) {
  problem_ = failed("open", error);
  problem_.at = at;
  if (at != asked_ && error == ENOENT)
    problem_.text = "cannot open " + asked_ + ": the folder " + at + " does not exist";
  if (at != asked_ && error == ENOTDIR)
    problem_.text = "cannot open " + asked_ + ": " + at + " is not a folder";
  if (at != asked_ && error == EACCES)
    problem_.text = "cannot open " + asked_ + ": no permission to enter " + at;
  exists_ = false;
  return false;
}

inline Problem Entry::failed(const char* what, int error) const {
  return {error, std::string("cannot ") + what + " " + asked_ + ": " + detail::error_text(error),
          "", asked_};
}

inline Opened Entry::open(int flags) const {
  const int how = (flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | (by_kernel_ ? 0 : O_NOFOLLOW) |
                  O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  Opened opened(::openat(folder(), name_.c_str(), how));
  if (!opened) return Opened(failed("open", errno));
  struct stat now {};
  if (::fstat(opened.fd(), &now) != 0) return Opened(failed("look at", errno));
  if (now.st_dev != status_.st_dev || now.st_ino != status_.st_ino)
    return Opened(Problem{ESTALE, asked_ + " was replaced while it was being opened",
                          "find out who else writes to its folder", asked_});
  if ((flags & O_TRUNC) && S_ISREG(now.st_mode) && ::ftruncate(opened.fd(), 0) != 0)
    return Opened(failed("empty", errno));
  return opened;
}

inline Opened Entry::create(int flags, mode_t mode) const {
  const int how =
      (flags & ~O_TRUNC) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  Opened opened(::openat(folder(), name_.c_str(), how, mode));
  return opened ? std::move(opened) : Opened(failed("create", errno));
}

inline int Entry::sync_folder() const {
  const Opened folder(::openat(this->folder(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::fsync(folder.fd()) == 0 ? 0 : errno;
}

}  // namespace standpipe::paths
