// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/spool.h"
#include "path_template.h"
#include "record.h"
#include "target.h"

// The files of a path with placeholders. A batch is sorted by file, and each file gets its messages
// in as few writes as if it had a batch of its own; in each, they are in the batch's order.
//
// Whatever fails, in the files is exactly what was settled, as with one file: when a file cannot
// take a message, all that later messages left in other files is cut off again. To be able to do
// that, a batch ends early where it needs more files than may be open, and where a file is full: it
// is rotated when nothing else is on its way.
//
// A file that cannot be opened, where its folder is well, keeps only its own messages: they are
// tried again for kPatience, and then rejected until it can be. What is tried again comes behind
// what arrives for that file meanwhile.
//
// Bounded: so many files are open (the least recently used one is closed for another), so many
// names are known. A message that asks for one more name is rejected, as one is that names nothing.
class NamedFiles {
 public:
  struct Limits {
    std::size_t open = 0;
    std::size_t names = 0;  // since the handler was made
  };
  // The settings are borrowed.
  NamedFiles(standpipe::Host host, const Settings& settings, PathTemplate path, Limits limits);

  void open();
  void handle(standpipe::Batch& batch, std::chrono::nanoseconds now);
  void flush();
  void close();
  void reopen();

  // All messages wait so long for one file, so it is short.
  static constexpr std::chrono::nanoseconds kPatience = std::chrono::seconds(2);
  // After so long without a message for it, what was wrong with a file is forgotten.
  static constexpr std::chrono::nanoseconds kMemory = std::chrono::seconds(60);
  // No file is tried more often.
  static constexpr std::chrono::nanoseconds kTryInterval = std::chrono::seconds(1);

 private:
  struct File {
    Target target;
    std::list<File*>::iterator place = {};   // in open_, while it is open
    std::vector<std::size_t> messages = {};  // of the present batch, that go here
    std::uint64_t size = 0;                  // before them
    std::size_t written = 0;                 // of them
    std::string refusal = {};                // why it could not be opened; empty: it could
    std::chrono::nanoseconds refused_since{0}, tried{0};
  };

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
      return std::hash<std::string_view>()(path);
    }
  };

  void check_folder() const;
  // Finds each message's file, and returns where the batch ends for now.
  std::size_t sort(standpipe::Batch& batch, std::chrono::nanoseconds now);
  bool add(standpipe::Batch& batch, std::size_t i, std::string_view path,
           std::chrono::nanoseconds now);
  bool settle(standpipe::Batch& batch, std::size_t i, standpipe::Outcome outcome,
              const std::string& why);
  File& prepared(std::string_view path, std::chrono::nanoseconds now);
  bool is_for_all(std::string_view path) const;
  std::unique_ptr<File> make(std::string_view path) const;
  void open_file(File& file);
  void close_file(File& file);
  void refuse(File& file, const FileUnavailable& failure, std::chrono::nanoseconds now);
  void make_room();
  std::size_t write_all(standpipe::Batch& batch, std::size_t end, std::chrono::nanoseconds now);
  std::size_t write(File& file, standpipe::Batch& batch, std::size_t end,
                    std::chrono::nanoseconds now);
  std::size_t first_unwritten(std::size_t end) const;
  void cut_back(std::size_t end);
  void sync_all(standpipe::Batch& batch);
  void fail(standpipe::Batch& batch, std::size_t end, const std::string& what);

  standpipe::Host host_;
  const Settings& settings_;
  PathTemplate path_;
  Limits limits_;
  std::unordered_map<std::string, std::unique_ptr<File>, Hash, std::equal_to<>> files_;  // by path
  std::list<File*> open_;  // the last used one first
  std::vector<File*> in_batch_;
  std::vector<std::uint64_t> bytes_;  // of each record of the batch, as written
  std::string why_;  // messages of this batch are rejected or tried again; empty: none is
  std::size_t first_failed_ = 0, last_failed_ = 0;
  common::Spool spool_;
  Records records_;
};
