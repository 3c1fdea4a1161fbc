// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "deliver/spill.h"
#include "state/persistent.h"
#include "worker/spill_files.h"

namespace standpipe::worker {

// The messages of several spills of one source, one after the other, and which of them is next.
// Which file is being fed, and how many of its messages were, outlives the worker: whoever feeds
// counts `fed` up together with what it appends. A file of which all was fed is kept until it is
// told that its messages are final.
//
// A file that cannot be read any further is left out (SpillFiles). One thread.
class SpillQueue {
 public:
  using Message = deliver::SavedMessage;
  struct Place {
    std::uint64_t number;  // of the file that is being fed, or was the last
    std::uint64_t fed;     // messages of it
  };

  SpillQueue(state::Memory& memory, state::Persistent<Place> place, SpillFiles& files)
      : memory_(memory), place_(place), files_(files) {}

  // In the order of their numbers. One before the place was fed by an earlier worker.
  void add(const std::string& path);
  // Nothing is left to be fed.
  bool empty() const { return waiting_.empty(); }
  // Messages to be fed, before the first was; nullopt: a file does not say.
  std::optional<std::uint64_t> messages() const;

  // The next message; nullptr: all were fed. Looks no further than the first file that has one, and
  // commits where it goes on to another file.
  const Message* front();
  // The one after it, of the same file.
  const Message* advance();
  // What came since the place was stored was not fed after all.
  void back();
  // All that was not fed, in order. Throws Failure when the disk cannot be read.
  void each_unfed(const std::function<void(const Message&)>& show);

  bool has_fed_files() const { return !fed_.empty(); }
  void remove_fed();
  void remove_all();
  // The files stay for the next run, and of the messages that were fed the last `open` are
  // redelivered.
  void leave(std::uint64_t open);

 private:
  struct File {
    std::string path;
    std::uint64_t number;
    std::optional<deliver::SpillReader> reader;
  };

  bool is_fed(const File& file) const { return file.number == place_->number; }
  bool read_on();
  void end_file();

  state::Memory& memory_;
  state::Persistent<Place> place_;
  SpillFiles& files_;
  std::deque<File> waiting_;      // not all fed, in order
  std::vector<std::string> fed_;  // paths of those whose messages need not be final yet
  std::optional<Message> next_;
};

}  // namespace standpipe::worker
