// SPDX-License-Identifier: Apache-2.0
#include "cli/glance_table.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <map>
#include <utility>

#include "base/text.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

using control::Glance;
using control::GlanceDelivery;

struct Row {
  const GlanceDelivery* delivery;
  std::optional<double> in, out;  // a second
};

std::tm local_time(Nanoseconds wall) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
  std::tm time{};
  ::localtime_r(&seconds, &time);
  return time;
}

// "11:48" today, "2024-05-01 11:48" earlier.
std::string clock_text(Nanoseconds then, Nanoseconds now) {
  const auto time = local_time(then), today = local_time(now);
  const bool same_day = time.tm_year == today.tm_year && time.tm_yday == today.tm_yday;
  std::array<char, 32> text{};
  return {text.data(),
          std::strftime(text.data(), text.size(), same_day ? "%H:%M" : "%Y-%m-%d %H:%M", &time)};
}

std::string running_text(const Glance& g, Nanoseconds wall) {
  std::string disk = "unchanged on disk";
  if (!g.written) disk = "no longer there";
  if (g.written && *g.written > g.loaded)
    disk = "written to since, at " + clock_text(*g.written, wall);
  const auto loaded = g.loaded - g.began < std::chrono::minutes(1)
                          ? ""
                          : "loaded " + clock_text(g.loaded, wall) + ", ";
  return "running   since " + clock_text(g.began, wall) + ", " + g.file + " (" + loaded + disk +
         ")" + (g.restarts ? "; the worker was restarted " + counted(g.restarts, "time") : "") +
         '\n';
}

std::string dropped_text(const Glance& g, std::uint64_t dropped) {
  std::string why;
  for (const auto& d : g.dropped)
    why += (why.empty() ? " (" : ", ") + (g.dropped.size() > 1 ? thousands(d.messages) + ' ' : "") +
           d.reason;
  return " + dropped " + thousands(dropped) + (why.empty() ? "" : why + ')');
}

std::string account_text(const Glance& g) {
  GlanceDelivery sum;
  for (const auto& d : g.deliveries) {
    sum.matched += d.matched;
    sum.delivered += d.delivered;
    sum.filtered += d.filtered;
    sum.dropped += d.dropped;
    sum.dead_lettered += d.dead_lettered;
    sum.saved += d.saved;
  }
  return "account   " + thousands(sum.matched) + " = delivered " + thousands(sum.delivered) +
         (sum.filtered ? " + filtered " + thousands(sum.filtered) : "") +
         (sum.dropped ? dropped_text(g, sum.dropped) : "") +
         (sum.dead_lettered ? " + dead-lettered " + thousands(sum.dead_lettered) : "") +
         " + in flight " + thousands(sum.in_flight()) +
         (sum.saved ? " (" + thousands(sum.saved) + " saved on disk)" : "") + '\n';
}

std::string unmatched_text(const Glance& g) {
  std::uint64_t accepted = 0, unmatched = 0, taken = 0;
  for (const auto& s : g.sources) {
    accepted += s.accepted;
    unmatched += s.unmatched;
    taken += s.unmatched_taken;
  }
  if (unmatched == 0) return "";
  return "unmatched " + thousands(unmatched) + " of " + thousands(accepted) +
         " accepted: no route wanted them; " +
         (unmatched == taken ? "to the unmatched handler"
          : taken == 0       ? "dropped"
                             : thousands(unmatched - taken) + " dropped") +
         '\n';
}

// A hub that was started again counts from 0.
std::optional<double> rate(std::uint64_t now, std::uint64_t before, Nanoseconds elapsed) {
  if (now < before || elapsed <= Nanoseconds(0)) return std::nullopt;
  return static_cast<double>(now - before) / (static_cast<double>(elapsed.count()) / 1e9);
}

bool is_wanted(const std::string& source, const std::vector<std::string>& patterns) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) {
           return ::fnmatch(p.c_str(), source.c_str(), 0) == 0;
         });
}

std::vector<Row> rows_of(const Glance& now, const Glance* before, const GlanceView& view) {
  using Name = std::pair<std::string_view, std::string_view>;
  std::map<Name, const GlanceDelivery*> earlier;
  if (before)
    for (const auto& d : before->deliveries) earlier.emplace(Name(d.source, d.handler), &d);
  std::vector<Row> rows;
  for (const auto& d : now.deliveries) {
    if (!is_wanted(d.source, view.sources)) continue;
    auto& row = rows.emplace_back(Row{&d, {}, {}});
    const auto then = earlier.find(Name(d.source, d.handler));
    if (then == earlier.end()) continue;
    row.in = rate(d.matched, then->second->matched, now.at - before->at);
    row.out = rate(d.delivered, then->second->delivered, now.at - before->at);
  }
  return rows;
}

double key_of(const Row& row, GlanceView::Sort sort) {
  switch (sort) {
    case GlanceView::Sort::out:
      return row.out.value_or(0);
    case GlanceView::Sort::lag:
      return static_cast<double>(row.delivery->in_flight());
    case GlanceView::Sort::age:
      return static_cast<double>(row.delivery->age.value_or(Nanoseconds(-1)).count());
    case GlanceView::Sort::dropped:
      return static_cast<double>(row.delivery->dropped);
    case GlanceView::Sort::dead:
      return static_cast<double>(row.delivery->dead_lettered);
    case GlanceView::Sort::in:
    case GlanceView::Sort::as_configured:
      break;
  }
  return row.in.value_or(0);
}

std::string rate_text(const std::optional<double>& rate) {
  if (!rate) return "-";
  return short_number(*rate < 10 ? std::round(*rate * 10) / 10 : std::round(*rate));
}

std::string age_text(const std::optional<Nanoseconds>& age) { return age ? short_age(*age) : "-"; }

// "12us", "0.4ms", "38ms", "1.2s"; what is longer is as an age.
std::string latency_text(const std::optional<Nanoseconds>& took) {
  if (!took) return "-";
  const auto us = static_cast<double>(took->count()) / 1e3;
  if (us >= 100e6) return age_text(took);
  const auto in = [&](double unit, const char* letter) {
    const auto tenths = static_cast<std::uint64_t>(std::round(us / unit * 10));
    if (tenths >= 100 || tenths % 10 == 0) return std::to_string((tenths + 5) / 10) + letter;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + letter;
  };
  return us < 99.5 ? in(1, "us") : us < 999.5e3 ? in(1e3, "ms") : in(1e6, "s");
}

// Cut in the middle of nothing: names are ASCII.
std::string shortened(const std::string& name, std::size_t width) {
  return name.size() <= width ? name : name.substr(0, width - 1) + "~";
}

using Cells = std::vector<std::string>;

Cells cells_of(const Row& row) {
  const auto& d = *row.delivery;
  const auto number = [](std::uint64_t n) { return short_number(static_cast<double>(n)); };
  return {d.source,
          d.handler,
          rate_text(row.in),
          rate_text(row.out),
          number(d.in_flight()),
          age_text(d.age),
          latency_text(d.latency ? std::optional(d.latency->p50) : std::nullopt),
          latency_text(d.latency ? std::optional(d.latency->p99) : std::nullopt),
          number(d.dropped),
          number(d.dead_lettered)};
}

constexpr std::size_t kNames = 2;  // columns of names; those after them are numbers
constexpr std::size_t kNameLeast = 8;
constexpr std::size_t kGap = 2;

// The names give way where the terminal is narrow; numbers never do.
std::vector<std::size_t> widths_of(const std::vector<Cells>& table, std::size_t width) {
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  auto whole = kGap * (widths.size() - 1);
  for (const auto w : widths) whole += w;
  while (width > 0 && whole > width) {
    auto& longest = widths[0] >= widths[1] ? widths[0] : widths[1];
    if (longest <= kNameLeast) break;
    --longest;
    --whole;
  }
  return widths;
}

std::string table_of(const std::vector<Cells>& table, std::size_t width) {
  const auto widths = widths_of(table, width);
  std::string out;
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto cell = i < kNames ? shortened(row[i], widths[i]) : row[i];
      const auto padding = std::string(widths[i] - cell.size(), ' ');
      out += i < kNames ? cell + padding : padding + cell;
      if (i + 1 < row.size()) out.append(kGap, ' ');
    }
    out += '\n';
  }
  return out;
}

// How many rows there is room for.
std::size_t rows_most(const GlanceView& view, std::size_t other_lines) {
  auto most = view.top.value_or(SIZE_MAX);
  if (view.height > 0)
    most = std::min(most, view.height > other_lines + 1 ? view.height - other_lines : 1);
  return most;
}

std::string rows_text(std::vector<Row> rows, const GlanceView& view, std::size_t other_lines) {
  const auto all = rows.size();
  auto most = rows_most(view, other_lines);
  if (all > most && !view.top && most > 1) --most;  // for the line that says so
  if (view.sort != GlanceView::Sort::as_configured || all > most)
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      return key_of(a, view.sort) > key_of(b, view.sort);
    });
  rows.resize(std::min(all, most));
  std::vector<Cells> table = {
      {"SOURCE", "HANDLER", "IN/s", "OUT/s", "LAG", "AGE", "P50", "P99", "DROP", "DEAD"}};
  for (const auto& row : rows) table.push_back(cells_of(row));
  auto out = table_of(table, view.width);
  if (all > rows.size())
    out += "and " + thousands(all - rows.size()) + " more: --top N, --sort KEY, --source NAME\n";
  return out;
}

std::size_t height_of(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

std::string glance_text(const Glance& now, const Glance* before, const GlanceView& view,
                        Nanoseconds wall) {
  const auto head = running_text(now, wall) + account_text(now) + unmatched_text(now);
  std::string notes;
  for (const auto& note : now.notes) notes += note + '\n';
  const auto rows =
      rows_text(rows_of(now, before, view), view, height_of(head) + height_of(notes) + 2);
  return head + rows + notes;
}

}  // namespace standpipe::cli
