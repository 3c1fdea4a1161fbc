// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "deliver/dead_letters.h"
#include "deliver/letter_writer.h"
#include "deliver/message_sink.h"
#include "deliver/settlement_observer.h"
#include "keeper/link.h"
#include "keeper/program.h"
#include "plugin/handler.h"
#include "state/memory.h"

// What a handler's loop needs of the hub around it: one interface for each thing that it asks. Each
// interface has few users, and the hub decides which of its parts answers. All are called on the
// loop's thread, except those marked "any thread", which a plugin's own thread may call.
namespace standpipe::deliver {

class Delivery;
class HandlerLoop;
class Output;

// Decides whether a handler may call its plugin now.
class Admission {
 public:
  // `alone`: with no other call in progress, and none until the call is released. false: not now.
  virtual bool admit(HandlerLoop& handler, bool alone) = 0;
  virtual void release() = 0;

 protected:
  ~Admission() = default;
};

// Opens what a plugin asks to send to.
class OutputOpener {
 public:
  // The output for that FIFO; two requests for one FIFO share one. nullptr: refused, with the
  // reason. Any thread.
  virtual Output* open(const plugin::FifoOutputRequest& request, std::string& why) = 0;
  // The output for the file of that path, of which there is one. nullptr: refused. Any thread.
  virtual Output* open_file(const plugin::FileOutputRequest& request, std::string& why) = 0;

 protected:
  ~OutputOpener() = default;
};

// The outputs that are open.
class OpenOutputs {
 public:
  virtual Output& output(std::uint32_t index) = 0;  // as an earlier worker numbered it
  virtual void has_entries(Output& output) = 0;     // it is to be pumped

 protected:
  ~OpenOutputs() = default;
};

// Where messages go on which a handler has failed for good.
class DeadLetterSink {
 public:
  virtual bool is_open() const = 0;
  // All letters are with the kernel when it returns; or none of them, and the reason is returned.
  virtual std::optional<Failure> write(std::span<const DeadLetter> letters) = 0;
  // The same without waiting: job->told() follows, in another thread. false: it is done already,
  // and nobody is told.
  virtual bool post(const std::shared_ptr<LetterJob>& job) {
    job->told = [] {};
    job->finish(write(job->letters));
    return false;
  }

 protected:
  ~DeadLetterSink() = default;
};

// By which route messages come to a handler, for who looks at dead letters.
class RouteNames {
 public:
  // Of the first route that takes such a message to that delivery's handler, as the configuration
  // is now; empty: none does, or it is not known. Valid as long as the handler.
  virtual std::string_view route_of(const Delivery& delivery, std::span<const std::byte> payload,
                                    std::span<const std::byte> fields) = 0;

 protected:
  ~RouteNames() = default;
};

// Brings a call that came back in a thread to the loop, which then calls on_completed.
class CompletionQueue {
 public:
  virtual void push(HandlerLoop& handler) = 0;  // any thread

 protected:
  ~CompletionQueue() = default;
};

// What children are made of.
struct ChildNeeds {
  const keeper::Program& program;
  keeper::Link& link;    // keeps their calls
  std::string run = {};  // STANDPIPE_RUN, for their plugins
};

struct HandlerNeeds {
  const Clock& clock;                 // any thread
  Reporter& reporter;                 // any thread
  const std::atomic<bool>& stopping;  // any thread
  state::Memory& memory;
  Admission& admission;
  OutputOpener& opener;
  OpenOutputs& outputs;
  DeadLetterSink& dead_letters;
  SettlementObserver& observer;
  CompletionQueue& completions;
  RouteNames* routes = nullptr;          // nullptr: nobody knows
  MessageSink* sink = nullptr;           // of what the handler makes; nullptr: it goes nowhere
  const ChildNeeds* children = nullptr;  // nullptr: no handler has a process of its own
};

}  // namespace standpipe::deliver
