// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace standpipe {

// An unexpected failure on its way up to somebody who can report it: what was tried, why it failed,
// and the remedy. Conditions that the direct caller must handle are return types instead. Each
// layer may add one phrase in front.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& what, std::string help = {})
      : std::runtime_error(what), help_(std::move(help)) {}
  const std::string& help() const {
    return help_;
  }  // what to do about it; empty when nothing better than `what` is known

  // "cannot WHAT: Permission denied"
  static Failure system(std::string_view what, int error_number, std::string help = {});
  Failure in(std::string_view context) const {
    return Failure(std::string(context) + ": " + what(), help_);
  }

 private:
  std::string help_;
};

// The configuration asks for something impossible, although that shows only when the hub runs.
// Starting again does not help, so `run` ends with the status that says so to a service manager
// (78). What may be repaired without a change of the configuration (a disk, a mount, another
// program) is a Failure.
class WrongConfiguration : public Failure {
 public:
  using Failure::Failure;
  explicit WrongConfiguration(const Failure& failure) : Failure(failure) {}
};

}  // namespace standpipe
