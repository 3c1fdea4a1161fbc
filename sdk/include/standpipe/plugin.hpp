// SPDX-License-Identifier: Apache-2.0
//
// standpipe/plugin.hpp: write a handler or a source in C++20. It is header-only and stands on the C
// ABI of plugin.h: nothing of C++ crosses the boundary between the router and the plugin.
//
//   #include <standpipe/plugin.hpp>
//
//   class Shout {
//    public:
//     static void describe(standpipe::Description& d) {
//       d.name("shout").version("1.0").summary("prints messages with a prefix");
//       d.option("prefix").text().fallback("> ").summary("what comes before each message");
//     }
//     explicit Shout(const standpipe::Options& options) : prefix_(options.text("prefix")) {}
//     void handle(const standpipe::Message& m) { std::cout << prefix_ << m.text() << std::endl; }
//
//    private:
//     std::string prefix_;
//   };
//   STANDPIPE_PLUGIN(Shout)
//
// The class has
//   static void describe(Description&)   what it is, and its options; does no I/O
//   explicit T(const Options&)           throws to refuse: the exception's text is the reason
//                                        touches nothing outside: it runs twice a start, or more,
//                                        since a configuration is checked by making each handler
// and one of
//   void handle(const Message&)          returns: the message is delivered; may return an Outcome
//   void handle(Batch&)                  returns: all are delivered unless the batch was told else
// and, if it needs them,
//   void open()                          connects; called again after standpipe::disconnected
//   void close()                         disconnects
//   void flush(nanoseconds left)         writes out what is held back; called before the hub stops
//   void reopen()                        the operator moved the files away (SIGUSR1)
//   optional<nanoseconds> tick()         is called though no message comes, for the first time
//                                        after open; returns in how long it wants that again, or
//                                        nullopt: never. Never beside another call
//
// What handle may throw, and what happens to the message:
//   disconnected  Something that the handler needs is away: a database, a peer. The handler is
//                 closed, waits and is opened again, for as long as it takes. No attempt counts and
//                 no message is lost, so this is the answer to any outage, whichever message met
//                 it.
//   reject        This message can never be handled. It goes to the dead letters
//                 (DATA_DIR/dead-letters.log) with the reason.
//   retry         This message may succeed later. It is redelivered after 200 ms, and then after
//                 twice as long each time, up to 30 s. After 20 attempts (about six minutes) it
//                 goes to the dead letters. Any other exception means the same, and its text is
//                 logged.
//   taken         (returned: Outcome::taken) The handler settles this message later, from any
//                 thread, by Host::settle(m.taken(), outcome): for what a broker acknowledges a
//                 while after it was sent. Until then the message is in flight. The description
//                 says settles_later().
//   fatal         Nothing more can be handled. The handler is held until a person acts, and its
//                 messages wait.
// An exception thrown from handle(Batch&) concerns the messages from stop_at on, or all of them if
// stop_at was not called.
//
// A handler that makes messages says emits() and calls host.emit(m, payload, {{"name", "value"}})
// in handle, or host.emit(payload) in tick. Routes then name it: `from: its-name`.
//
// A source brings messages into the hub:
//
//   class Clock {
//    public:
//     static void describe(standpipe::Description& d) {
//       d.name("clock").version("1.0").summary("brings a message a second");
//     }
//     explicit Clock(const standpipe::Options&) {}
//     void open(std::string_view resume) { next_ = resume.empty() ? 1 : std::stoul(...); }
//     void poll(standpipe::Poll& p) {
//       while (p.has_credit() && p.wait(due_) == standpipe::Poll::Woken::due) {
//         if (p.put("tick " + std::to_string(next_)) == standpipe::Put::full) return;
//         p.resume(std::to_string(++next_));
//         due_ += std::chrono::seconds(1);
//       }
//     }
//     ...
//   };
//   STANDPIPE_PLUGIN(Clock)
//
// The class has, besides describe and the constructor as above,
//   void poll(Poll&)                     puts messages as far as it has credit, waits for some, and
//                                        returns by the deadline
// and, if it needs them,
//   void open(std::string_view resume)   connects, and goes on where the last committed poll said;
//                                        empty at the very first time. Again after disconnected
//   void committed(uint64_t sequence)    every message up to there is safe: acknowledge them
//   void close()                         disconnects
// open and poll may throw disconnected and fatal, which mean what they mean for a handler; any
// other exception is taken for disconnected. What was put before is committed.
//
// A plugin may have a handler and a source: STANDPIPE_PLUGIN(ItsHandler, ItsSource). Name, options
// and placement of both are what describe of the first class says.
//
// Calls for one instance never overlap, but they may come from different threads. Views die when
// handle returns. Above standpipe_handler, plugin.h says what happens after a crash, a hang or an
// exit; handle(const Message&) tells the host which message it is at.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/description.hpp>
#include <standpipe/exported.hpp>
#include <standpipe/handler.hpp>
#include <standpipe/host.hpp>
#include <standpipe/message.hpp>
#include <standpipe/options.hpp>
#include <standpipe/outcome.hpp>
#include <standpipe/source.hpp>

// Once in a plugin, outside of any namespace.
#define STANDPIPE_PLUGIN(...)                                                     \
  extern "C" STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void) { \
    return standpipe::detail::ExportedPlugin<__VA_ARGS__>::description();         \
  }
