// SPDX-License-Identifier: Apache-2.0
// Hub: how it begins, from nothing or with what an earlier worker left.
#include <algorithm>
#include <utility>

#include "base/failure.h"
#include "base/open_files.h"
#include "base/text.h"
#include "deliver/culprit.h"
#include "deliver/queue_segments.h"
#include "worker/event_key.h"
#include "worker/hub.h"
#include "worker/recovery.h"

namespace standpipe::worker {
namespace {

// An instance of a source plugin has a loop as a handler has, and is one of them here.
config::HubOptions with_source_plugins(config::HubOptions options) {
  for (auto& source : options.sources)
    if (source.origin == source::Origin::plugin) source.from += options.handlers.size();
  for (auto& plugin : std::exchange(options.source_plugins, {}))
    options.handlers.push_back(std::move(plugin));
  return options;
}

}  // namespace

// The members are made in the order of their declaration: each gets what it needs of those before
// it as an argument. The body lists what is done with all of them, in the order that a kill at any
// line requires.
Hub::Hub(const config::HubOptions& options, const Clock& clock, Reporter& reporter,
         keeper::Link& link, bool saves, const HubNames* before, const keeper::Program* program)
    : options_(with_source_plugins(options)),
      clock_(clock),
      reporter_(reporter),
      link_(link),
      loop_(clock, key(kCompletion)),
      foundation_(options_, link, clock, before),
      children_(program
                    ? std::optional<deliver::ChildNeeds>({*program, link, foundation_.run_text()})
                    : std::nullopt),
      data_(options, foundation_.is_recovered(), foundation_.run(), link, foundation_.memory(),
            loop_, clock, reporter),
      outputs_(loop_, foundation_.memory(), foundation_.directory(), link, output_needs(),
               [this](const deliver::Output& output) { report_loop(output); }),
      letter_routes_(options_.routes, sources_, deliveries_),
      handlers_(loop_, deliveries_.queue(), outputs_, clock, reporter),
      fifos_(loop_, sources_, link, foundation_.pipes().source_fifo, data_, clock, reporter),
      relays_(loop_, sources_, handlers_),
      disk_queues_(loop_, foundation_, sources_, handlers_, deliveries_, options_.overflow_max,
                   clock, reporter),
      full_logs_(loop_, sources_, handlers_, outputs_, disk_queues_,
                 QueuePolicy(sources_, handlers_, clock, reporter),
                 OverflowPolicy(loop_, options_.overflow_max, data_, sources_, handlers_,
                                disk_queues_, shutdown_, reporter)),
      replays_(loop_, foundation_, sources_, handlers_, deliveries_, data_, clock, reporter),
      stop_save_(sources_, handlers_, data_, reporter),
      control_(link, reporter),
      only_saves_(saves || foundation_.is_saving()),
      is_trial_(before != nullptr) {
  const bool follows = foundation_.is_recovered();
  raise_open_files_limit();
  if (!follows) fifos_.gates().open_closed(options_.sources);
  open_sources();
  make_handlers();
  if (!is_trial_) handlers_.note_outputs_for_good();
  connect();
  serve_plugins();
  replays_.make_again();
  if (!follows) fifos_.gates().resume();
  if (data_.works()) serve_spills();
  depart();
  if (follows) {
    // What is only saved, and what was handed over, is nobody's fault.
    const auto death = only_saves_ || foundation_.was_handed_over()
                           ? deliver::Death()
                           : death_of_last_worker(foundation_, handlers_, options_.handlers);
    replays_.recover();
    recover(foundation_, sources_, outputs_, handlers_, deliveries_, death, reporter_);
  }
  deliver::CulpritMark::install(foundation_.memory().culprit(), foundation_.crash_note());
  foundation_.memory().commit();
  if (!only_saves_) handlers_.create();
  if (link_.kept()) loop_.watch(link_.fd(), EPOLLIN, key(kKeeper));
}

Hub::~Hub() = default;

deliver::OutputNeeds Hub::output_needs() {
  return {reporter_,
          deliveries_,
          *this,
          {foundation_.pipes().output_stage, foundation_.pipes().output_fifo}};
}

deliver::HandlerNeeds Hub::handler_needs(const deliver::HandlerOptions& options) {
  return {.clock = clock_,
          .reporter = reporter_,
          .stopping = shutdown_.begun(),
          .memory = foundation_.memory(),
          .admission = handlers_.gate(),
          .opener = outputs_,
          .outputs = outputs_,
          .dead_letters = data_,
          .observer = *this,
          .completions = handlers_,
          .routes = &letter_routes_,
          .sink = sink_of(options),
          .children = children_ ? &*children_ : nullptr};
}

// The source that it is for routes; nullptr: it is none.
deliver::MessageSink* Hub::sink_of(const deliver::HandlerOptions& options) {
  for (std::size_t i = 0; i < sources_.size() && !options.departed; ++i) {
    const auto& source = options_.sources[i];
    const bool is_its_own = source.origin != source::Origin::fifo && source.name == options.name;
    if (is_its_own && !sources_[i].is_departed) return sources_[i].inlet->made();
  }
  return nullptr;
}

// Every source that cannot be opened is reported, not just the first.
void Hub::open_sources() {
  std::vector<std::string> failed;
  bool is_wrong = false;
  for (std::size_t i = 0; i < options_.sources.size(); ++i) {
    try {
      open_source(i);
    } catch (const Failure& failure) {
      reporter_.error("source", "source " + options_.sources[i].name + ": " + failure.what(),
                      failure.help());
      is_wrong = is_wrong || dynamic_cast<const WrongConfiguration*>(&failure);
      failed.push_back(options_.sources[i].name + ": " + failure.what() +
                       (failure.help().empty() ? "" : " (" + failure.help() + ")"));
    }
  }
  if (failed.empty()) return;
  // Who asked for a reload sees none of what was reported.
  const auto what = counted(failed.size(), "source") + " cannot be opened" +
                    (is_trial_ ? ": " + joined(failed, "; ") : "");
  if (is_wrong) throw WrongConfiguration(what);
  throw Failure(what);
}

void Hub::open_source(std::size_t i) {
  const auto& s = options_.sources[i];
  const bool warn = !options_.unmatched && options_.unmatched_by_default;
  const auto slot = foundation_.directory().slot(state::Kind::source, s.name);
  if (s.origin == source::Origin::fifo)
    open_fifo(i, slot, warn);
  else
    add_made(i, slot, warn);
  sources_.ready().add(i);  // nothing reports what lies in it already
}

void Hub::add_made(std::size_t i, std::size_t slot, bool warn) {
  const auto& s = options_.sources[i];
  auto& topology = foundation_.topology();
  const bool is_departed = topology.has_departed_source(i);
  const bool is_plugin = s.origin == source::Origin::plugin;
  std::optional<PluginFeed::Options> made;
  if (!is_departed)
    made = PluginFeed::Options{.is_source = is_plugin,
                               .is_safe_when_taken = s.acks_accepted,
                               .log_size_max = s.log_size_max,
                               .plugin = is_plugin ? plugin_of(s) : "",
                               .resume = is_plugin ? data_.resume_of(s.name, plugin_of(s)) : ""};
  auto inlet = std::make_unique<Inlet>(s, slot, foundation_.arena(), topology.take_matcher(i),
                                       clock_, reporter_, warn, std::move(made));
  auto& source = sources_.add(std::move(inlet), FifoWatch());
  source.rate = RateLimit(s.rate_limit, s.rate_burst);
  source.is_departed = is_departed;
  foundation_.memory().commit();
}

// The name of the plugin that brings a source's messages.
const std::string& Hub::plugin_of(const source::SourceOptions& source) const {
  return options_.handlers[source.from].plugin->name;
}

// Messages that an earlier run left come before those that a plugin makes now.
void Hub::serve_plugins() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto* made = sources_[i].inlet->made();
    if (!made) continue;
    const auto h = options_.sources[i].from;
    made->serve({.wake = [this, h] { handlers_.wake(h); },
                 .want_turn = [this, i] { sources_.ready().add(i); },
                 .may_make = [this, i] { return may_make(i); },
                 .rate = &sources_[i].rate});
  }
}

bool Hub::may_make(std::size_t i) const {
  return !sources_[i].inlet->has_unfed() && !sources_[i].is_ending;
}

void Hub::open_fifo(std::size_t i, std::size_t slot, bool warn) {
  const auto& s = options_.sources[i];
  auto& topology = foundation_.topology();
  auto fifo = topology.take_fifo(i);
  const bool is_kept = fifo.has_value();
  auto inlet =
      std::make_unique<Inlet>(s, slot, foundation_.arena(), foundation_.stage(),
                              topology.take_matcher(i), clock_, reporter_, warn, std::move(fifo));
  FifoWatch watch(loop_, key(kInlet, i), inlet->poll_mode());
  auto& source = sources_.add(std::move(inlet), watch);
  source.rate = RateLimit(s.rate_limit, s.rate_burst);
  source.is_departed = topology.has_departed_source(i);
  foundation_.memory().commit();
  fifos_.begin(*source.inlet, source.watch, is_kept);
  if (foundation_.is_recovered() && !source.is_departed && source.inlet->has_moved())
    source.inlet->read_to_end();
}

void Hub::make_handlers() {
  for (const auto& options : options_.handlers) make_handler(options);
}

void Hub::make_handler(const deliver::HandlerOptions& options) {
  const auto slot = foundation_.directory().slot(state::Kind::handler, options.name);
  handlers_.add(std::make_unique<deliver::HandlerLoop>(options, slot, handler_needs(options)));
  foundation_.memory().commit();
}

// Each delivery is a commit of its own: all of them together are more than the undo log holds.
void Hub::connect(std::size_t i, std::size_t bit) {
  auto& source = sources_[i];
  const auto h = source.inlet->matcher().handlers()[bit];
  auto& handler = handlers_[h];
  source.handlers.push_back(h);
  const auto slot = foundation_.directory().delivery(source.inlet->name(), handler.name(), bit);
  auto delivery = source.inlet->make_delivery(bit, handler.name(), slot);
  const auto& options = handler.options();
  auto& added = handler.add(std::move(delivery));
  deliveries_.add(slot, added, h);
  if (disk_queues_.has_one(data_, source.inlet->name(), options))
    (void)disk_queues_.add(data_.path(), i, h, options, added);
  if (!data_.works() && options.queue.type == deliver::QueueOptions::Type::disk)
    report_no_queue(source.inlet->name(), handler.name());
  source.inlet->limit(bit, options.queue);
  foundation_.memory().commit();
}

void Hub::report_no_queue(const std::string& source, const std::string& handler) const {
  reporter_.error(
      "queue",
      source + " -> " + handler +
          ": there is no folder for its queue, so its messages wait in the source's log",
      "set `data_dir:` to a folder that works");
}

void Hub::connect() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& handlers = sources_[i].inlet->matcher().handlers();
    for (std::size_t bit = 0; bit < handlers.size(); ++bit)
      if (handlers[bit] != match::Matcher::kNobody) connect(i, bit);
  }
  relays_.connect(foundation_.memory());
  foundation_.memory().commit();
}

// What earlier runs left comes first, if its source is still there.
void Hub::serve_spills() {
  for (std::size_t i = 0; i < sources_.size(); ++i) serve_spills(i);
  if (foundation_.is_recovered()) return;
  report_spills_of_nobody();
  report_queues_of_nobody();
}

void Hub::serve_spills(std::size_t i) {
  auto& source = sources_[i];
  const auto& name = source.inlet->name();
  std::vector<std::string> handlers;
  for (const auto h : source.inlet->matcher().handlers())  // by bit
    handlers.push_back(h == match::Matcher::kNobody ? "" : handlers_[h].name());
  auto& memory = foundation_.memory();
  HandlerBits bits(
      name, std::move(handlers),
      [this, i](const auto& handler) { return add_delivery(i, handler); }, reporter_);
  auto feed = std::make_unique<SpillFeed>(memory, data_.path(), name, std::move(bits),
                                          foundation_.is_recovered(), reporter_);
  feed->before_removal([this, i] {
    const auto& queues = sources_[i].queues;
    return std::all_of(queues.begin(), queues.end(),
                       [](const auto& queue) { return queue->is_synced(); });
  });
  source.inlet->serve(std::move(feed));
}

// An earlier run left messages for a handler that gets none of this source now. One that is
// configured gets these, and no others, as when a reload removes a route; for one that is not they
// are dead-lettered.
std::optional<std::size_t> Hub::add_delivery(std::size_t i, const std::string& name) try {
  auto& inlet = *sources_[i].inlet;
  const auto& all = handlers_.all();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& handler) { return handler->name() == name; });
  const auto h = static_cast<std::size_t>(found - all.begin());
  if (h == all.size()) make_handler(foundation_.topology().departed_handler(name));
  auto& handler = handlers_[h];
  const auto bit = inlet.add_handler(h);
  if (!bit) return std::nullopt;
  connect(i, *bit);
  if (handler.departed()) handler.give_up();
  reporter_.warning("no_route",
                    inlet.name() + ": an earlier run left messages for " + name + ", " +
                        (handler.departed() ? "which the configuration no longer has: they are "
                                              "dead-lettered"
                                            : "to which no route leads any more: it gets these"));
  return bit;
} catch (const Failure&) {
  return std::nullopt;  // the memory of this run has no room
}

// What an earlier run left comes all the same, before the last that is in its FIFO.
void Hub::depart() {
  for (auto& source : sources_)
    if (source.is_departed) source.inlet->depart();
}

void Hub::report_spills_of_nobody() {
  const auto is_configured = [&](const std::string& name) {
    return std::any_of(sources_.begin(), sources_.end(),
                       [&](const auto& s) { return s.inlet->name() == name; });
  };
  for (const auto& [source, path] : data_.spills())
    if (!is_configured(source))
      reporter_.warning("spill",
                        path + " has messages of source " + source +
                            ", which the configuration no longer has: they stay there",
                        "configure it again; or take them out (standpipe queue export --data-dir " +
                            data_.path() + "), and delete the file");
}

// The same for queues on disk, which are of a source and a handler.
void Hub::report_queues_of_nobody() try {
  for (const auto& of : deliver::QueueSegments::all(data_.path())) {
    const auto &source = of.first, &handler = of.second;
    const auto states = disk_queues_.states();
    const bool is_served = std::any_of(states.begin(), states.end(), [&](const auto& queue) {
      return queue.source == source && queue.handler == handler;
    });
    if (!is_served)
      reporter_.warning(
          "queue",
          deliver::QueueSegments(data_.path(), source, handler).folder() +
              " has messages of source " + source + " for handler " + handler +
              ", and no route leads from one to the other: they stay there",
          "configure them again; or take them out (standpipe queue export --data-dir " +
              data_.path() + "), and delete the folder");
  }
} catch (const Failure& failure) {
  reporter_.warning("queue", failure.what(), failure.help());
}

// A chain from one source to another may be meant; a circle hardly ever is. Which it is depends on
// the messages.
void Hub::report_loop(const deliver::Output& output) {
  for (const auto& source : sources_)
    if (source.inlet->has_fifo() && source.inlet->fifo().id() == output.id())
      reporter_.warning(
          "loop",
          output.path() + " is the FIFO of source " + source.inlet->name() +
              ": what is sent there comes in again",
          "check that no route leads a message back to where it came from: it would go "
          "round for ever");
}

}  // namespace standpipe::worker
