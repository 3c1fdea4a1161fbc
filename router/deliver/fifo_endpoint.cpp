// SPDX-License-Identifier: Apache-2.0
#include "deliver/fifo_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/failure.h"

namespace standpipe::deliver {

FifoEndpoint::FifoEndpoint(const plugin::FifoOutputRequest& request, PipeSizes sizes, Made made)
    : fifo_(request, sizes.fifo, made == Made::now), stage_(sizes.stage), resend_(request.resend) {}

// ---- what outlives the worker

void FifoEndpoint::attach(const Context& context, bool recovered) {
  context_.emplace(context);
  record_.emplace(context.memory, "fifo/" + path());
  last_taken_.emplace(context.memory, path(), context.queue);
  if (recovered) return recover();
  edit_record().resend = resend_;
}

// The stage is emptied, because the logs have its bytes. Only how much of it had moved on into the
// FIFO must be found.
void FifoEndpoint::recover() {
  adopt();
  queue().validate();
  last_taken_->validate();
  commit();  // until here a successor needs what is in the stage: it tells what has not gone on
  drop_stage();
  if (!fifo_.is_open()) {
    // This cannot happen: nothing moves before the keeper has it.
    if (queue().moved() > 0)
      queue().rewind(record().reclaiming ? queue().taken() : queue().moved());
    edit_record().reclaiming = 0;
    return;
  }
  foreign_.begin(fifo_.waiting());
  turn_.recover(fd(), queue().writing().skip > 0, now_);
  if (record().reclaiming)
    reclaim_rest();
  else if (!fifo_.has_reader())
    peer_gone(now_);
}

void FifoEndpoint::adopt() {
  auto& memory = context_->memory;
  const auto retrieve = [&](const char* what) {
    return context_->link.retrieve(name_in_keeper(what));
  };
  auto fifo = retrieve("fifo"), in = retrieve("stage-in"), out = retrieve("stage-out");
  const bool mine = memory.step() == state::Step::push && memory.step_index() == context_->index;
  if (fifo && in && out) {
    fifo_.adopt(std::move(*fifo));
    stage_.adopt(std::move(*out), std::move(*in));
    if (mine) {
      const auto had = memory.step_moved();
      queue().move(had - std::min<std::uint64_t>(had, stage_.waiting()));
    }
    state_ = State::flowing;
    ++openings_;
  }
  if (mine) memory.end();
}

// The name under which the keeper has one of its descriptors.
std::string FifoEndpoint::name_in_keeper(const char* what) const {
  return "output/" + std::to_string(context_->index) + '/' + what;
}

// The keeper has it before the first byte goes there.
void FifoEndpoint::keep_open(const char* what, int fd) {
  context_->link.keep(name_in_keeper(what), fd);
}

// ---- opening

bool FifoEndpoint::make_ready(Nanoseconds now) {
  now_ = now;
  if (state_ == State::no_reader && fifo_.was_replaced()) {
    if (!queue().empty())
      queue().rewind(queue().moved());  // the new FIFO begins with a whole message
    close();
  }
  if (state_ == State::no_reader && fifo_.has_reader()) state_ = State::flowing;
  if (state_ == State::unopened) try_open();
  return state_ == State::flowing;
}

void FifoEndpoint::close() {
  if (state_ == State::unopened) return;
  end_turn_of_reader();
  stage_.empty();
  fifo_.close();
  for (const char* what : {"fifo", "stage-in", "stage-out"})
    context_->link.forget(name_in_keeper(what));
  commit();
  state_ = State::unopened;
}

void FifoEndpoint::try_open() {
  try {
    if (!fifo_.open()) return;
    stage_.make();
    keep_open("stage-in", stage_.write_end());
    keep_open("stage-out", stage_.read_end());
    keep_open("fifo", fifo_.fd());
    state_ = State::flowing;
    foreign_.begin(fifo_.waiting());
    ++openings_;
    failed_ = false;
  } catch (const Failure& failure) {
    fifo_.close();
    fail(failure);
  }
}

// Reported once until it works again; opening is tried again and again.
void FifoEndpoint::fail(const Failure& failure) {
  if (!failed_) reporter().error("output-failed", failure.what(), failure.help());
  failed_ = true;
}

// ---- moving

std::uint64_t FifoEndpoint::stage() {
  return others_write() || turn_.ends_frame() ? stage_whole() : fill_stage();
}

std::uint64_t FifoEndpoint::fill_stage() {
  turn_.staged(false);
  if (stage_.prefetched() > 0) {
    const auto committed = prefetch_.commit(queue());
    if (committed > 0 || stage_.prefetched() > 0) return committed;
  }
  queue().gather(pieces_, places_, stage_.room());
  return stage_pieces();
}

// The next byte to be written stands in the piece that did not fit whole.
std::uint64_t FifoEndpoint::stage_pieces() {
  const auto staged = stage_.add(pieces_);
  auto left = staged;
  std::size_t i = 0;
  while (i < pieces_.size() && left >= pieces_[i].iov_len) left -= pieces_[i++].iov_len;
  auto next = places_[i];
  next.skip += left;
  queue().wrote(staged, next);
  return staged;
}

Endpoint::Pushed FifoEndpoint::push() {
  if (stage_.staged() == 0) return {};
  auto& memory = context_->memory;
  memory.begin(state::Step::push, context_->index, stage_.staged() + stage_.prefetched());
  const auto pushed = stage_.push_to(fd());
  queue().move(pushed.bytes);
  edit_record().relayed += prefetch_.take_committed();
  foreign_.pushed(pushed.bytes);
  if (pushed.bytes > 0) memory.count_progress();
  memory.end();
  commit();
  return {pushed.bytes, pushed.reader_gone, pushed.error};
}

// The stream continues after what is in the FIFO.
void FifoEndpoint::drop_stage() {
  stage_.empty();
  queue().write_again();
}

// ---- what the reader has taken

void FifoEndpoint::sample() {
  if (queue().empty()) return;
  // Bytes that lay in the FIFO before ours, or that others write there, only make this smaller:
  // safe.
  const auto waiting = fifo_.waiting();
  if (foreign_.look(waiting)) note_others();
  const auto moved = queue().moved();
  queue().mark_taken(moved - std::min<std::uint64_t>(waiting, moved));
}

void FifoEndpoint::remember_taken(const Delivery& delivery, const Range& part) {
  last_taken_->remember(delivery, part, fifo_.capacity());
}

// ---- for a relay

void FifoEndpoint::prefetch(const Delivery& delivery, const Pipe& from, std::size_t most) {
  if (state_ != State::flowing || others_write() || turn_.ends_frame()) return;
  // By reference a pipe can hold more than its size, because pages that came from a socket are
  // large. It gets no more than copies could be.
  const auto on_its_way = queue().written() - queue().taken() + stage_.prefetched();
  if (on_its_way + most > fifo_.capacity() + stage_.capacity()) return;
  prefetch_.add(delivery.log(), is_all_written(delivery), from, most);
}

bool FifoEndpoint::is_all_written(const Delivery& delivery) const {
  if (queue().empty()) return delivery.settled() == delivery.log().end();
  const auto& last = queue().back();
  return last.delivery == delivery.id() && last.range.end == delivery.log().end() &&
         !queue().has_more_to_write();
}

bool FifoEndpoint::is_busy_with(const Delivery& delivery) const {
  return !queue().empty() && queue().back().delivery == delivery.id();
}

}  // namespace standpipe::deliver
