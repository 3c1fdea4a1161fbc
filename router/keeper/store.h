// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/open_files.h"

namespace standpipe::keeper {

// Descriptors by name, for the worker that follows: like a service manager's descriptor store. It
// never reads from or writes to one. It is bounded, so that a faulty worker cannot take all
// descriptors.
class Store {
 public:
  static constexpr std::size_t kNamesMax = kKeptMost;

  // A name that is kept already is replaced. false: too many are kept.
  bool keep(const std::string& name, Fd fd);
  void forget(const std::string& name) { kept_.erase(name); }
  int find(const std::string& name) const;  // -1: not kept
  std::size_t size() const { return kept_.size(); }

  struct Entry {
    int fd;
    std::string name;
  };
  std::vector<Entry> entries() const;

 private:
  std::map<std::string, Fd> kept_;
};

// How a worker learns the names of what it inherits: a memfd of "FD NAME" and a null byte each.
// Throws Failure.
Fd write_list(const std::vector<Store::Entry>& entries);
std::vector<Store::Entry> read_list(int list);

// What a worker is started with: the socket to its keeper, and all that is kept.
// Link::from_environment is the other end.
class InheritedFds {
 public:
  // The descriptors outlive it. Throws Failure.
  InheritedFds(int socket, const std::vector<Store::Entry>& entries);
  const std::vector<int>& inherited() const { return inherited_; }
  const std::string& variable() const { return variable_; }

 private:
  Fd list_;
  std::vector<int> inherited_;
  std::string variable_;
};

}  // namespace standpipe::keeper
