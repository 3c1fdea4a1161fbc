// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <standpipe/plugin.hpp>

#include "reply_fifos.h"
#include "reply_path.h"

namespace {

// Delivers replies: each message says which client's FIFO it goes to. What a client does, or does
// not do, is felt by no other client and by nobody else in the hub.
class Reply {
 public:
  static void describe(standpipe::Description& d);
  explicit Reply(const standpipe::Options& options)
      : host_(options.host()), path_(options.text("fifo")), fifos_(host_, settings_of(options)) {}

  void open() {
    if (::access(path_.folder().c_str(), F_OK) != 0)
      host_.warning(path_.folder() + " does not exist yet, so no reply can be delivered there");
    fifos_.open();
  }
  standpipe::Outcome handle(const standpipe::Message& message) {
    return fifos_.send(path_.path_of(message), message);
  }
  void flush(std::chrono::nanoseconds left) { fifos_.flush(left); }
  void close() { fifos_.close(); }

 private:
  static ReplyFifos::Settings settings_of(const standpipe::Options& options) {
    ReplyFifos::Settings settings;
    settings.wait = options.duration("wait");
    settings.open_max = static_cast<std::size_t>(options.integer("max_open_fifos"));
    settings.waiting_bytes_max = options.bytes("max_waiting");
    settings.reject_gone = options.text("when_gone") == "dead_letter";
    settings.rules.trust_others = options.text("trust") == "others";
    settings.rules.follow_last = false;
    settings.rules.exception = "set trust: others";
    return settings;
  }

  standpipe::Host host_;
  ReplyPath path_;
  ReplyFifos fifos_;
};

constexpr const char* kDocumentation =
    "Each client makes a FIFO of its own, opens it to read, and puts its name into its\n"
    "requests; the service copies the name into its reply. fifo says where that name stands:\n"
    "/run/app/replies/{json:/reply_to}. {json:/POINTER}, {meta:NAME} and {source} can stand in\n"
    "it, the first two with a default after |; {{ and }} are braces.\n"
    "\n"
    "What a message says is one whole name below the folder that fifo begins with: nothing with\n"
    "a slash, a dot at its beginning, a percent sign or control characters. A message that has\n"
    "no such value is rejected. No FIFO is ever made here, and a symbolic link is not followed.\n"
    "\n"
    "A reply goes into the FIFO as a frame: its length (4 bytes, little endian), then the\n"
    "payload; replies to one client in their order. Nothing waits for a client but the replies\n"
    "to it: where its FIFO is full, they wait for room for at most `wait`. Replies of\n"
    "max_waiting bytes can wait; where one more finds no room, the client for which most bytes\n"
    "wait loses its last reply. At most max_open_fifos are open; opening one more closes the one\n"
    "that was not used for longest.\n"
    "\n"
    "when_gone says what becomes of a reply that nobody can get: there is no such FIFO, nobody\n"
    "reads it, or its reader took nothing for as long as `wait`. drop counts it as filtered;\n"
    "dead_letter keeps it, with the reason.\n"
    "\n"
    "Delivered means that all of it is in the FIFO: a client that dies then has lost it. A reply\n"
    "that is in the middle of a FIFO when the hub dies, or that is abandoned there, ends with its\n"
    "writer, so a reader sees it truncated; after a death of the hub it comes again, whole. At a\n"
    "stop, replies that wait may do so as long as `wait` and drain_timeout let them; then they\n"
    "stay with the hub, for its next start.\n"
    "\n"
    "Where other users may write to a folder of the path, only folders and FIFOs of the hub's\n"
    "user and of root are used; trust: others lifts that, for clients of other users in a sticky\n"
    "folder (mode 1777).";

void Reply::describe(standpipe::Description& d) {
  d.name("reply").version("1.0").summary("delivers replies, each into its client's own FIFO");
  d.settles_later();
  d.documentation(kDocumentation);
  d.option("fifo")
      .path()
      .templated()
      .required()
      .summary("the FIFO of a reply's client")
      .example("/run/app/replies/{json:/reply_to}");
  d.option("wait").duration().fallback("1s").minimum("10ms").maximum("1h").summary(
      "how long a reply waits for room in its client's FIFO");
  d.option("when_gone")
      .one_of({"drop", "dead_letter"})
      .fallback("drop")
      .summary("what becomes of a reply that nobody can get");
  d.option("max_open_fifos")
      .integer()
      .open_files()
      .fallback("256")
      .minimum("1")
      .maximum("10000")
      .unit("FIFOs")
      .summary("how many are open at a time");
  d.option("max_waiting")
      .bytes()
      .fallback("16MiB")
      .minimum("1KiB")
      .summary("bytes of all replies that wait for room");
  d.option("trust")
      .one_of({"self", "others"})
      .fallback("self")
      .summary("others: use FIFOs of other users, and folders where they can replace them");
}

}  // namespace

STANDPIPE_PLUGIN(Reply)
