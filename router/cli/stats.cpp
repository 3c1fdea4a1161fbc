// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/glance_table.h"
#include "cli/interruption.h"
#include "cli/show.h"
#include "control/glance.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

GlanceView::Sort sort_of(const std::string& name) {
  using Sort = GlanceView::Sort;
  if (name == "in") return Sort::in;
  if (name == "out") return Sort::out;
  if (name == "lag") return Sort::lag;
  if (name == "age") return Sort::age;
  return name == "drop" ? Sort::dropped : name == "dead" ? Sort::dead : Sort::as_configured;
}

// Shows the hub again and again, or once after two looks: rates are what was between them.
class Watcher {
 public:
  Watcher(const Arguments& arguments, Streams& streams)
      : arguments_(arguments),
        out_(streams.out),
        interval_(arguments.duration("interval").value_or(1s)),
        watches_(arguments.has("watch")) {
    view_.sort = sort_of(arguments.text("sort").value_or(""));
    view_.sources = arguments.texts("source");
    if (const auto top = arguments.count("top")) view_.top = *top;
  }
  void run();
  void run_json();

 private:
  control::Glance look() const { return control::Glance::parse(ask_hub(arguments_, "glance")); }
  bool wait();
  void fit_to_terminal();
  void show(const control::Glance& now, const control::Glance* before);

  const Arguments& arguments_;
  StandardOutput& out_;
  Nanoseconds interval_;
  bool watches_;
  GlanceView view_;
  Interruption interruption_;
  std::size_t lines_shown_ = 0;
};

// false: Ctrl-C.
bool Watcher::wait() {
  return wait_for(-1, 0, interruption_, steady_now() + interval_) == Waited::late;
}

void Watcher::run() {
  auto before = look();
  if (watches_ && out_.is_terminal()) show(before, nullptr);  // at once; rates follow
  if (interval_ == Nanoseconds(0)) return show(before, nullptr);
  do {
    if (!wait()) return;
    auto now = look();
    show(now, &before);
    before = std::move(now);
  } while (watches_);
}

void Watcher::run_json() {
  do {
    out_.write(ask_hub(arguments_, "glance json"));
    out_.flush();
  } while (wait());
}

void Watcher::fit_to_terminal() {
  winsize size{};
  if (!out_.is_terminal() || ::ioctl(out_.fd(), TIOCGWINSZ, &size) != 0) return;
  view_.width = size.ws_col;
  view_.height = size.ws_row > 1 ? size.ws_row - 1u : 0;  // the cursor has a line, too
}

// On a terminal what was shown before is overwritten, so that only figures seem to change.
void Watcher::show(const control::Glance& now, const control::Glance* before) {
  fit_to_terminal();
  auto text = printable_lines(glance_text(now, before, view_, SystemClock().wall()), "");
  if (!watches_ || !out_.is_terminal()) {
    out_.write(text);
    if (watches_) out_.write("\n");
    return out_.flush();
  }
  if (lines_shown_ > 0) out_.write("\x1b[" + std::to_string(lines_shown_) + "A");
  lines_shown_ = 0;
  for (std::size_t at = 0; at < text.size(); ++lines_shown_) {
    const auto end = text.find('\n', at);
    auto line = text.substr(at, end - at);
    // A line that wraps would be two. (Cut by bytes: what is longer has figures in ASCII.)
    if (view_.width > 0 && display_width(line) > view_.width && line.size() > view_.width)
      line.resize(view_.width);
    out_.write(line + "\x1b[K\n");
    at = end + 1;
  }
  out_.write("\x1b[J");
  out_.flush();
}

Status stats(const Arguments& arguments, Streams& streams) {
  const bool json = arguments.has("json"), account = arguments.has("account");
  if (json && account)
    throw WrongUsage("--json has the whole account already", "leave --account out");
  const auto interval = arguments.duration("interval").value_or(1s);
  if (interval > 24h || (arguments.has("watch") && interval < 100ms))
    throw WrongUsage("--interval must be from 100ms to 1d", "e.g. --interval 2s");
  if (account) {
    streams.out.write(printable_lines(ask_hub(arguments, "stats"), ""));
  } else if (!json) {
    Watcher(arguments, streams).run();
  } else if (arguments.has("watch")) {
    Watcher(arguments, streams).run_json();
  } else {
    streams.out.write(ask_hub(arguments, "stats json"));
  }
  return Status::done;
}

constexpr std::string_view kStatsDescription =
    "A row of the table is a source and a handler. IN/s is what routes gave the\n"
    "handler, OUT/s what it delivered; LAG is what is in flight, that is, still\n"
    "waiting, and AGE how long the oldest of it has waited; P50 and P99 are how long\n"
    "messages took in the last 10 to 20 seconds from being accepted to being delivered:\n"
    "half of them at most P50, 99 of 100 at most P99. That is a little too much, for what\n"
    "is delivered together counts as its oldest message, and a new worker begins anew.\n"
    "DROP and DEAD are what was dropped and dead-lettered since the start. Which route a\n"
    "message took is not counted: `standpipe explain` shows it for a message.\n"
    "Two samples are taken, --interval apart (1s); --interval 0s takes one, without\n"
    "rates. A sample costs the hub the same whatever waits in it. Below the table are\n"
    "sources that do not serve, handlers that are not ready, and how many messages a\n"
    "handler's plugin has taken and not settled yet, with the age of the oldest: a\n"
    "part of LAG (with --json: `taken` and `oldest_taken_ms` of `handlers`).\n"
    "\n"
    "--account says for each source: accepted = matched + unmatched; and for each\n"
    "source and handler, that matched is the sum of what was delivered, filtered,\n"
    "dropped (with the reason), dead-lettered and what is in flight, which is counted\n"
    "in the logs for that, so it is a check. So it is with --json, but not with\n"
    "--json --watch (an object a line), where what is in flight is what is left. Both\n"
    "have P50 and P99 as `latency`, in nanoseconds; null: nothing was delivered lately.\n"
    "Both say how long the longest round of the worker's loop took, and when it\n"
    "ended: so long nobody was served (longest_round).\n"
    "\n"
    "The hub is found by its control socket, which only its user and root can open:\n"
    "control-NAME-HASH, after its configuration, in $XDG_RUNTIME_DIR/standpipe,\n"
    "/run/standpipe or /tmp/standpipe-UID. Where several hubs run, name the\n"
    "configuration as it was given to `run`.";

}  // namespace

Command stats_command() {
  return {
      .name = "stats",
      .summary = "shows what a running hub did with every message",
      .examples = {{"standpipe stats", "a table: rates over one second, what waits, what was lost"},
                   {"standpipe stats --watch", "the same, each second anew, until Ctrl-C"},
                   {"standpipe stats --sort lag --top 10", "the ten with the most waiting"},
                   {"standpipe stats --account", "every counter: per source, handler and reason"},
                   {"standpipe stats orders.yaml",
                    "of the hub of that configuration, where several run"},
                   {"standpipe stats --json", "every counter for programs, one object"}},
      .description = kStatsDescription,
      .operands = {{.name = "CONFIG", .required = false}},
      .options = {control_option("the hub's control socket, as given to `run`"),
                  {.name = "watch", .letter = 'w', .summary = "again and again, until Ctrl-C"},
                  {.name = "interval",
                   .letter = 'i',
                   .kind = Kind::duration,
                   .value = "D",
                   .summary = "between two looks; default 1s"},
                  {.name = "sort",
                   .kind = Kind::choice,
                   .value = "KEY",
                   .summary =
                       "the largest first: in, out, lag, age, drop, dead; default: as configured",
                   .choices = {"in", "out", "lag", "age", "drop", "dead"}},
                  {.name = "top", .kind = Kind::count, .value = "N", .summary = "so many rows"},
                  {.name = "source",
                   .kind = Kind::text,
                   .value = "NAME",
                   .summary = "rows of these sources; * and ? stand for letters",
                   .repeatable = true},
                  {.name = "account", .summary = "every counter, and whether they add up"},
                  {.name = "json", .summary = "for programs, one line of JSON"}},
      .run = stats};
}

}  // namespace standpipe::cli
