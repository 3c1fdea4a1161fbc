// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <standpipe/plugin.hpp>
#include <string>
#include <vector>

namespace {

// The sockets that the process has: in a handler's process, that of calls and that of services.
std::vector<int> sockets() {
  std::vector<int> found;
  for (int fd = 3; fd < 64; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) found.push_back(fd);
  }
  return found;
}

void send_to_all(const void* bytes, std::size_t size) {
  for (const int fd : sockets()) (void)!::send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// As SCM_RIGHTS, where nobody asked for one.
void send_descriptor_to_all() {
  std::array<std::uint64_t, 4> bytes{1};
  iovec part{bytes.data(), sizeof bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* along = CMSG_FIRSTHDR(&message);
  along->cmsg_level = SOL_SOCKET;
  along->cmsg_type = SCM_RIGHTS;
  along->cmsg_len = CMSG_LEN(sizeof(int));
  std::memset(CMSG_DATA(along), 0, sizeof(int));
  for (const int fd : sockets()) (void)!::sendmsg(fd, &message, MSG_NOSIGNAL);
}

// What it shares with the worker and may write to.
void overwrite_page() {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  char line[512];
  while (maps && std::fgets(line, sizeof line, maps)) {
    void *begin = nullptr, *end = nullptr;
    if (std::strstr(line, "standpipe: call") && std::sscanf(line, "%p-%p", &begin, &end) == 2)
      std::memset(begin, 0xff,
                  static_cast<std::size_t>(static_cast<char*>(end) - static_cast<char*>(begin)));
  }
  if (maps) std::fclose(maps);
}

// Tells the hub what no handler's process tells it. Not for a thread: there it would be the hub
// that lies to itself.
class Lying {
 public:
  static void describe(standpipe::Description& d) {
    d.name("lying")
        .version("1.0")
        .summary("lies to the hub, in a process of its own")
        .own_process();
    d.option("lie")
        .one_of(
            {"number", "packet", "service", "flood", "file", "page", "message", "output", "close"})
        .required()
        .summary("how");
    d.option("until")
        .path()
        .fallback("/nowhere")
        .summary("it lies no more once there is this file");
  }
  explicit Lying(const standpipe::Options& options)
      : lie_(options.text("lie")), until_(options.text("until")) {}
  void handle(const standpipe::Message& m) {
    if (::access(until_.c_str(), F_OK) != 0) tell(m);
  }

 private:
  void tell(const standpipe::Message& m) const {
    const std::uint64_t number = 999;
    const std::array<std::uint32_t, 8> unknown{77};
    // Of the output extension's add_fifo (2), and add_file (3) without a file.
    const std::array<std::uint32_t, 8> fifo{2}, file{3};
    if (lie_ == "number") send_to_all(&number, sizeof number);
    if (lie_ == "packet") send_to_all("x", 1);
    if (lie_ == "service") send_to_all(unknown.data(), sizeof unknown);
    if (lie_ == "file") send_descriptor_to_all();
    if (lie_ == "page") overwrite_page();
    if (lie_ == "close")
      for (const int fd : sockets()) ::close(fd);
    if (lie_ == "message") *const_cast<char*>(m.text().data()) = 'X';
    if (lie_ == "output") send_one_to_last(fifo.data(), sizeof fifo);
    for (int i = 0; lie_ == "flood" && i < 100'000; ++i) send_one_to_last(file.data(), sizeof file);
    if (lie_ != "output" && lie_ != "page") ::sleep(5);  // it is found out meanwhile
  }
  static void send_one_to_last(const void* bytes, std::size_t size) {
    const auto all = sockets();
    if (!all.empty()) (void)!::send(all.back(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  std::string lie_, until_;
};

}  // namespace

STANDPIPE_PLUGIN(Lying)
