// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deliver/handler_needs.h"
#include "deliver/late_outcomes.h"
#include "deliver/log_throttle.h"
#include "deliver/output.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// What a handler's plugin may ask for: to log, the time, whether the hub stops, and outputs to send
// to.
//
// The plugin asks from whichever thread it runs in. The outputs change only inside a call, so the
// loop must not look at them while one is in progress.
class PluginHost final : public plugin::HostServices {
 public:
  PluginHost(const std::string& handler, const HandlerNeeds& needs);
  ~PluginHost() override;
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // ---- any thread
  // Of a plugin that logs too much, a part (log_throttle.h).
  void log(std::uint32_t level, std::string_view text) override;
  std::uint64_t now() override;
  bool stopping() override { return stopping_; }
  std::uint32_t add_fifo(const plugin::FifoOutputRequest& request, std::string& why) override;
  bool send_all(std::uint32_t output) override;
  std::uint32_t add_file(const plugin::FileOutputRequest& request, std::string& why) override;
  bool send_all_until(std::uint32_t output, std::uint64_t bytes, std::uint64_t time_ns) override;
  void settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
              std::string_view why) override;

  // How many lines were left out until now is said when the next one is logged, or by this.
  void report_left_out(Nanoseconds now);

  // ---- around a call, in the plugin's place: outputs can be added between the two; of open, or of
  // another that may add files
  void begin_open() override;
  void end_open() override { in_open_ = takes_files_ = false; }
  void begin_call() override { takes_files_ = true; }
  void end_call() override { takes_files_ = false; }

  // ---- the loop
  // What the plugin says of messages that it has taken; `wake` is called when there is something,
  // by any thread.
  void wake_by(std::function<void()> wake) { wake_ = std::move(wake); }
  LateOutcomes& late_outcomes() { return late_outcomes_; }
  // Numbered from 1 for the plugin.
  const std::vector<Output*>& outputs() const { return outputs_; }
  bool has_output(std::uint32_t number) const { return number > 0 && number <= outputs_.size(); }
  Output& output(std::uint32_t number) const { return *outputs_[number - 1]; }
  // The number of the output that everything goes to without asking the plugin; 0: it is asked.
  std::uint32_t sends_all_to() const { return grant_.output; }
  // How many bytes more it may have before the plugin is asked again.
  std::uint64_t granted() const;
  void end_grant() { grant_ = {}; }
  // ---- files that the plugin lent
  void adopt_files();    // from now on outputs write to them
  void release_files();  // the plugin has closed them
  bool has_files() const;
  // Nothing is on its way into one.
  bool is_quiet() const;
  // What one of them failed with since the last call.
  std::optional<std::string> take_failure();
  // Whether all of them have room for what a batch may send.
  bool accepts() const;
  std::size_t pending() const;  // entries, also other handlers'
  // A batch is with the plugin that may all be sent; it was settled.
  void expect();
  void expected();
  // Those that the call had in which an earlier worker died.
  void recover(std::vector<Output*> outputs) { outputs_ = std::move(outputs); }

 private:
  const std::string& handler_;
  const Clock& clock_;
  Reporter& reporter_;
  const std::atomic<bool>& stopping_;
  OutputOpener& opener_;
  struct Lent {
    Output* output;
    Fd file;
    Nanoseconds sync;
  };
  // All that comes goes to that output, while it is smaller and earlier than this.
  struct Grant {
    std::uint32_t output = 0;              // 0: none
    std::uint64_t bytes = 0, time_ns = 0;  // 0: no limit
  };
  std::uint32_t number_of(Output* output);
  void say_left_out(std::uint64_t lines);

  std::mutex log_mutex_;  // of the next
  LogThrottle log_throttle_;
  LateOutcomes late_outcomes_;
  std::function<void()> wake_ = [] {};
  std::vector<Output*> outputs_;
  std::vector<Lent> lent_;
  Grant grant_;
  std::atomic<bool> in_open_{false}, takes_files_{false};
};

}  // namespace standpipe::deliver
