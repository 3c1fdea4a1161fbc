// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/reminder.h"
#include "deliver/endpoint.h"
#include "deliver/file_writer.h"
#include "plugin/handler.h"
#include "state/persistent.h"

namespace standpipe::deliver {

// An output's regular file, which a plugin opened (it locks it, repairs its end, rotates it) and
// lends to the hub: what is sent is appended from the logs, by a FileWriter. There is no stage and
// no step: the file's size tells what went.
//
//   committed size + what of the queue had gone since = the file's size
//
// So after a death the bytes after the committed size are compared with what was to come next. What
// is ours has moved; a frame that is there in part is cut off again. What is not ours stays, and is
// reported. Then the file is closed, the lock on it given back, and what is left waits until the
// plugin of the next worker has opened a file of that path: the same, or another.
//
// The hub writes on until it notices something that is the plugin's to decide (the file has lost
// its name) or that failed (the disk is full, somebody else writes there). Then what did not move
// goes back to its deliveries, and nothing is sent until the plugin has lent a file again.
class FileEndpoint final : public Endpoint {
 public:
  explicit FileEndpoint(const plugin::FileOutputRequest& request);

  const std::string& path() const override { return request_.path; }
  FileId id() const override { return {}; }
  bool created() const override { return false; }
  void attach(const Context& context, bool recovered) override;

  int fd() const override { return writer_.fd(); }
  std::uint32_t events() const override;
  unsigned openings() const override { return 1; }
  bool is_open() const override { return static_cast<bool>(file_); }
  bool is_flowing() const override { return is_open() && !is_stopped_; }
  bool has_peer() const override { return is_flowing(); }
  bool has_failed() const override { return false; }
  bool make_ready(Nanoseconds now) override;
  Event on_event(std::uint32_t) override { return Event::nothing; }
  void peer_gone(Nanoseconds) override {}
  bool visit(Nanoseconds now) override;
  bool is_announced() const override { return true; }

  bool has_more_to_move() const override;
  bool begin_turn(Nanoseconds now) override;
  Nanoseconds retry_at() const override { return Nanoseconds(0); }
  std::uint64_t stage() override;
  Pushed push() override;
  std::optional<Nanoseconds> end_turn(Nanoseconds) override;
  bool is_in_turn() const override { return has_more_to_move(); }
  void sample() override { queue().mark_taken(queue().moved()); }
  void drop_stage() override {}
  void fail(const Failure&) override {}  // no push does

  // ---- for the plugin that lends the file. On the loop, and while it is quiet.
  // Nothing is on its way into it.
  bool is_quiet() const override { return queue().empty() && !writer_.is_busy(); }
  // From now on what is sent goes there. `sync`: as FileWriter::Job has it.
  void use(Fd file, Nanoseconds sync);
  // It is closed, and its lock is free.
  void release();
  // The plugin is to look at it, or to open another, before more is sent.
  bool is_stopped() const { return !is_flowing(); }
  // What failed since the last call, for people.
  std::optional<std::string> take_failure();
  // What its size will be when all that was sent has moved.
  std::uint64_t size_to_come() const { return record().size + queue().bytes() - queue().moved(); }

 private:
  // What outlives the worker: the file that was lent last, and how large it is.
  struct FileEndpointRecord {
    FileId id;
    std::uint64_t size;
    std::uint32_t syncs_always;
  };

  SendQueue& queue() const { return context_->queue; }
  const FileEndpointRecord& record() const { return **record_; }
  FileEndpointRecord& edit_record() { return record_->edit(); }
  void commit() { context_->memory.commit(); }
  std::string name_in_keeper() const {
    return "output/" + std::to_string(context_->index) + "/file";
  }
  void recover();
  void recognize(int fd);
  bool is_ours(int fd, std::uint64_t begin, std::uint64_t end) const;
  void move(std::uint64_t bytes);
  void collect();
  void settle(const FileWriter::Done& done);
  void on_changed(std::uint64_t size);
  void stop(const std::string& failure = {});
  void say(const std::string& what);

  plugin::FileOutputRequest request_;
  std::optional<Context> context_;
  std::optional<state::Persistent<FileEndpointRecord>> record_;
  FileWriter writer_;
  Fd file_;
  Nanoseconds now_{0}, posted_{0};  // as the loop said; when the last job began
  std::optional<Nanoseconds>
      post_at_;  // so little is to be written that more may as well come first
  Nanoseconds sync_{0};
  bool is_in_memory_ = false;  // the file
  bool is_stopped_ = false;
  Reminder slow_;
  std::string failure_;
  std::uint64_t collected_ = 0;  // bytes that have moved since push was asked
  std::vector<iovec> pieces_;
  std::vector<SendQueue::StreamPosition> places_;
};

}  // namespace standpipe::deliver
