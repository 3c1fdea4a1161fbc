// SPDX-License-Identifier: Apache-2.0
#include "config/cycles.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/names.h"
#include "config/reach.h"

namespace standpipe::config {
namespace {

// How what one handler emits gets to another one.
struct Step {
  std::size_t to;
  std::optional<std::size_t> route = {};  // empty: as unmatched
};

using Steps = std::vector<std::vector<Step>>;  // by the handler that emits

Steps steps_of(const HubOptions& hub, bool is_sound) {
  Steps steps(hub.handlers.size());
  const auto emits = [&](std::size_t source) {
    return hub.sources[source].origin == source::Origin::handler;
  };
  for (std::size_t r = 0; r < hub.routes.size(); ++r)
    for (const auto source : hub.routes[r].from)
      if (emits(source))
        for (const auto handler : hub.routes[r].to)
          steps[hub.sources[source].from].push_back({handler, r});
  if (!hub.unmatched || !is_sound) return steps;  // routes with mistakes leave too much unmatched
  const auto reach = reach_of(hub);
  for (std::size_t s = 0; s < hub.sources.size(); ++s)
    if (emits(s) && reach.unmatched[s]) steps[hub.sources[s].from].push_back({*hub.unmatched});
  return steps;
}

// Finds cycles by going from handler to handler as messages do, without recursion: a chain may be
// as long as a hub has handlers.
class CycleSearch {
 public:
  // A handler, and its step to the next one.
  using Cycle = std::vector<std::pair<std::size_t, Step>>;

  explicit CycleSearch(const Steps& steps) : steps_(steps), states_(steps.size(), State::unseen) {}

  // One cycle for each step that closes one.
  std::vector<Cycle> cycles() {
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (states_[i] == State::unseen) go_from(i);
    return std::move(cycles_);
  }

 private:
  static constexpr std::size_t kShownMost = 20;  // of cycles: more help nobody
  enum class State : char { unseen, on_the_way, done };
  struct Visit {
    std::size_t handler;
    std::size_t next = 0;  // of its steps
  };

  void go_from(std::size_t start) {
    enter(start);
    while (!way_.empty() && cycles_.size() < kShownMost) advance();
  }
  void enter(std::size_t handler) {
    states_[handler] = State::on_the_way;
    way_.push_back({handler});
  }
  void advance() {
    auto& visit = way_.back();
    const auto& steps = steps_[visit.handler];
    if (visit.next == steps.size()) {
      states_[visit.handler] = State::done;
      way_.pop_back();
      return;
    }
    const auto to = steps[visit.next++].to;
    if (states_[to] == State::on_the_way) cycles_.push_back(cycle_to(to));
    if (states_[to] == State::unseen) enter(to);
  }
  // The end of the way, from that handler on.
  Cycle cycle_to(std::size_t handler) const {
    auto at = std::find_if(way_.begin(), way_.end(),
                           [&](const auto& visit) { return visit.handler == handler; });
    Cycle cycle;
    for (; at != way_.end(); ++at)
      cycle.emplace_back(at->handler, steps_[at->handler][at->next - 1]);
    return cycle;
  }

  const Steps& steps_;
  std::vector<State> states_;
  std::vector<Visit> way_;
  std::vector<Cycle> cycles_;
};

class CycleReport {
  static constexpr std::size_t kNamedMost = 20;  // handlers of one cycle

 public:
  CycleReport(Context& context, const HubOptions& hub, const Routes& routes, const Spot& unmatched)
      : context_(context), hub_(hub), routes_(routes), unmatched_(unmatched) {}

  void add(const CycleSearch::Cycle& cycle) {
    const auto& first = cycle.front();
    const auto named = std::min(cycle.size(), kNamedMost);
    std::string names;
    for (std::size_t i = 0; i < named; ++i) names += name(cycle[i].first) + " -> ";
    if (cycle.size() > named) names += std::to_string(cycle.size() - named) + " more -> ";
    const bool is_alone = cycle.size() == 1;
    Diagnostic d{.code = "cycle",
                 .message = is_alone
                                ? "what handler " + quoted(first.first) + " emits comes back to it"
                                : "handlers emit in a cycle: " + names + name(first.first)};
    d.label = "bounded logs would fill up, and everybody in it would wait for ever";
    for (std::size_t i = 0; i < named; ++i)
      d.notes.push_back(step_text(cycle[i].first, cycle[i].second));
    d.help.push_back(help(cycle));
    context_.mistakes.add(spot(first.second), std::move(d));
  }

 private:
  std::string name(std::size_t handler) const { return shown(hub_.handlers[handler].name); }
  std::string quoted(std::size_t handler) const { return "'" + name(handler) + "'"; }
  const Spot& spot(const Step& step) const {
    return step.route ? routes_.spots[*step.route] : unmatched_;
  }
  std::string step_text(std::size_t handler, const Step& step) const {
    const auto at = ", at " + context_.mistakes.documents().position(spot(step));
    if (!step.route)
      return "what no route wants of " + quoted(handler) + " goes to " + quoted(step.to) +
             ", as unmatched" + at;
    return "what " + quoted(handler) + " emits goes to " + quoted(step.to) + " by '" +
           shown(hub_.routes[*step.route].name) + "'" + at;
  }
  std::string help(const CycleSearch::Cycle& cycle) const {
    const auto by_default = std::find_if(cycle.begin(), cycle.end(),
                                         [](const auto& each) { return !each.second.route; });
    if (by_default == cycle.end())
      return "remove one of these routes; programs that answer each other do it through FIFOs";
    return "add a last route from " + quoted(by_default->first) +
           " that has no match, so that a route wants all of it";
  }

  Context& context_;
  const HubOptions& hub_;
  const Routes& routes_;
  Spot unmatched_;
};

}  // namespace

void check_cycles(Context& context, const HubOptions& hub, const Routes& routes,
                  const Spot& unmatched) {
  const auto steps = steps_of(hub, !context.mistakes.any_error());
  CycleReport report(context, hub, routes, unmatched);
  for (const auto& cycle : CycleSearch(steps).cycles()) report.add(cycle);
}

}  // namespace standpipe::config
