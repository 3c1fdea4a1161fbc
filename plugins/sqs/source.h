// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <standpipe/plugin.hpp>

#include "common/unacknowledged.h"
#include "receiver.h"
#include "settings.h"

// Puts what a Receiver has received, and has it deleted once it is safe.
class SqsSource {
 public:
  explicit SqsSource(const standpipe::Options& options);
  SqsSource(const SqsSource&) = delete;
  SqsSource& operator=(const SqsSource&) = delete;

  void open();
  void poll(standpipe::Poll& poll);
  void committed(std::uint64_t sequence);
  void close() { receiver_.reset(); }

 private:
  bool put_all(standpipe::Poll& poll);
  bool put(standpipe::Poll& poll, const LeasedMessage& leased);

  standpipe::Host host_;
  Place place_;
  ReceiveSettings settings_;
  Holding holding_;
  common::Unacknowledged<Leases::Number> unacknowledged_;
  std::unique_ptr<Receiver> receiver_;
};
