// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/taken_window.h"
#include "protocol.h"

// Messages that travel together: the head, and their frames one after the other.
class SentBatch {
 public:
  // Room for so much at once, so that nothing is copied while the batch grows.
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  void add(common::TakenWindow::Number number, std::string_view frame, bool begins_message);
  void set_head(const BatchHead& head) { head_ = head.encoded(); }

  // What a socket sends.
  std::size_t size() const { return ends_.size() + 1; }
  std::string_view operator[](std::size_t i) const;

  bool empty() const { return ends_.empty(); }
  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return bytes_.size(); }
  common::TakenWindow::Number first() const { return first_; }
  common::TakenWindow::Number last() const { return first_ + messages_ - 1; }

 private:
  std::string head_ = std::string(BatchHead::kBytes, '\0');
  std::string bytes_;
  std::vector<std::size_t> ends_;  // of the frames, in bytes_
  common::TakenWindow::Number first_ = 0;
  std::size_t messages_ = 0;
};

// Batches of one session that are not acknowledged: which one to send next. They are sent in order,
// all of them again over a new connection, and the first one again when no answer comes: one
// connection loses nothing in its middle, so if the peer has that one, it has those behind it.
class Flight {
 public:
  Flight(std::uint64_t session, bool has_metadata)
      : session_(session), has_metadata_(has_metadata) {}

  void add(SentBatch batch) { batches_.push_back(std::move(batch)); }
  // nullptr: there is none to send.
  const SentBatch* to_send();
  void sent();
  // Settles in the window what the answer says is safe. false: it says nothing new.
  bool acknowledge(const Answer& answer, const std::vector<Refusal>& refusals,
                   common::TakenWindow& window);
  void send_all_again() { next_ = 0; }
  void send_first_again() { repeats_first_ = true; }
  bool awaits_answer() const { return next_ > 0; }

 private:
  void refuse(const Refusal& refusal, common::TakenWindow& window);

  std::uint64_t session_;
  bool has_metadata_;
  std::deque<SentBatch> batches_;
  std::uint64_t base_ = 1;  // the id of the first of them
  std::size_t next_ = 0;    // to be sent, in batches_
  std::size_t known_ = 0;   // of batches_, how many the peer may have
  bool repeats_first_ = false;
};
