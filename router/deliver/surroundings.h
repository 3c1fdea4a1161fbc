// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/reporter.h"
#include "deliver/dead_letters.h"
#include "log/memory.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

class Delivery;
class HandlerLoop;
class Output;

// What a handler's loop needs of the hub around it. `any thread` where a plugin's own thread may come; the rest is the loop's.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual const Clock& clock() const = 0;            // any thread
  virtual Reporter& reporter() = 0;                  // any thread
  virtual bool stopping() const = 0;                 // any thread
  virtual void completed(HandlerLoop& handler) = 0;  // any thread: call its on_completed on the loop
  // The output for that FIFO; two requests for one FIFO share one. nullptr: refused, with the reason. Any thread.
  virtual Output* output_for(const plugin::FifoOutputRequest& request, std::string& why) = 0;
  virtual log::Memory& memory() = 0;
  virtual Delivery& delivery_with(std::uint32_t id) = 0;
  virtual Output& output(std::uint32_t index) = 0;  // as an earlier worker numbered it
  // Whether a call of handle may begin now; `alone`: with no other in progress, and none until it is released.
  virtual bool admit(HandlerLoop& handler, bool alone) = 0;
  virtual void release() = 0;
  // Keeps the letters on disk before it returns; or none of them, and says why it could not.
  virtual std::optional<Failure> put_aside(std::span<const DeadLetter> letters) = 0;
  // Whether there is a place for them at all.
  virtual bool keeps_dead_letters() const { return true; }
  virtual void settled(Delivery& delivery) = 0;   // messages became final: its log may be trimmed
  virtual void has_sendings(Output& output) = 0;  // pump it
};

}  // namespace standpipe::deliver
