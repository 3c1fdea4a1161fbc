// SPDX-License-Identifier: Apache-2.0
#include "control/listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

#include "base/failure.h"
#include "base/file_id.h"
#include "control/address.h"
#include "control/socket_folder.h"

namespace standpipe::control {
namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 64;  // more than are answered at a time (limits.h), so that those beyond
                              // are reported and not refused
constexpr const char* kRemedy = "choose another path: --control PATH";

std::optional<FileId> file_at(const std::string& path, mode_t* mode = nullptr) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return std::nullopt;
  if (mode) *mode = st.st_mode;
  return FileId::of(st);
}

// Hubs hold it while they check and bind. It leaves no file behind. A file system without locks
// costs only the protection against a hub that starts in the same millisecond.
Fd lock_folder(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int turn = 0; fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++turn) {
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    if (turn == 100) throw Failure("another program keeps " + folder + " locked", kRemedy);
    std::this_thread::sleep_for(10ms);
  }
  return fd;
}

enum class Found { nothing, dead, alive };

Found look_at(const std::string& path) {
  mode_t mode = 0;
  if (!file_at(path, &mode)) return Found::nothing;
  if (!S_ISSOCK(mode))
    throw WrongConfiguration(path + " is not a socket, so the control socket cannot take its place",
                             "mv it away");
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const Address address(path);
  if (!probe) throw Failure::system("make a socket", errno);
  if (::connect(probe.get(), address.get(), address.size()) == 0 || errno == EAGAIN)
    return Found::alive;  // EAGAIN: many wait
  if (errno == ECONNREFUSED) return Found::dead;
  if (errno == ENOENT) return Found::nothing;
  throw Failure::system("see whether a hub answers at " + path, errno, kRemedy);
}

// The mode of a bound socket's file is that of the descriptor, less the umask. So it is 0600 at
// once, without touching the umask, which belongs to all threads.
Fd bind_and_listen(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const Address address(path);
  if (!fd || ::fchmod(fd.get(), 0600) != 0) throw Failure::system("make a socket", errno);
  if (::bind(fd.get(), address.get(), address.size()) != 0)
    throw Failure::system("make the control socket " + path, errno, kRemedy);
  mode_t mode = 0;
  const bool closed = file_at(path, &mode) && (mode & 077) == 0;
  if (!closed || ::listen(fd.get(), kBacklog) != 0) {
    ::unlink(path.c_str());
    throw closed ? Failure::system("listen at " + path, errno)
                 : Failure("the file system lets others open the control socket " + path, kRemedy);
  }
  return fd;
}

}  // namespace

std::optional<Listener> Listener::at(const std::string& path) {
  const Address fits(path);
  const auto folder = folder_of(path);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw Failure::system("make the control socket's folder " + folder, errno, kRemedy);
  const auto lock = lock_folder(folder);
  const auto found = look_at(path);
  if (found == Found::alive) return std::nullopt;
  if (found == Found::dead && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    throw Failure::system("remove the control socket of a hub that is gone, " + path, errno,
                          kRemedy);
  return Listener(bind_and_listen(path), path);
}

Listener::Listener(Fd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)), file_(file_at(path_)) {}

Listener::Listener(Fd inherited) : fd_(std::move(inherited)) {
  sockaddr_un name{};
  socklen_t size = sizeof name;
  int listens = 0;
  socklen_t flag_size = sizeof listens;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) != 0 || !listens ||
      ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
      name.sun_family != AF_UNIX)
    throw Failure("the descriptor that was handed over is not a listening control socket");
  size = std::min<socklen_t>(size, sizeof name);
  path_.assign(name.sun_path, size - offsetof(sockaddr_un, sun_path));
  path_ = path_.c_str();  // up to the first zero byte, which may or may not be counted
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  (void)::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  (void)::fcntl(fd_.get(), F_SETFD, FD_CLOEXEC);
  file_ = file_at(path_);
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      file_(std::exchange(other.file_, std::nullopt)),
      leaves_file_(other.leaves_file_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(leaves_file_, other.leaves_file_);
  return *this;
}

Listener::~Listener() {
  if (!leaves_file_ && has_its_file()) ::unlink(path_.c_str());
}

bool Listener::has_its_file() const { return file_ && file_at(path_) == file_; }

}  // namespace standpipe::control
