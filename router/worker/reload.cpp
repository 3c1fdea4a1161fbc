// SPDX-License-Identifier: Apache-2.0
#include "worker/reload.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

constexpr auto kResult = "reload-result";  // that the keeper has it by
constexpr std::string_view kAsk = "reload", kAskDry = "reload dry-run",
                           kAskResult = "reload result ";
constexpr auto kStops = "the hub is stopping";

std::string milliseconds_text(Nanoseconds d) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f",
                std::chrono::duration<double, std::milli>(d).count());
  return text.data();
}

Nanoseconds time_in(const Parts& parts, std::string_view name) {
  return Nanoseconds(static_cast<std::int64_t>(parts.number(name)));
}

std::string list_json(const Parts& parts, std::string_view name) {
  return parts.text(name).empty() ? "[]" : parts.text(name);
}

}  // namespace

// What came of a reload. `found` has what the examination said, as far as there was one.
struct Reload::Result {
  std::uint64_t number = 0;
  enum class Word { done, would, refused } word = Word::refused;
  std::string why = {};  // refused
  Parts found = {};
  std::uint64_t generation = 0;                       // done
  std::optional<Nanoseconds> took = {}, paused = {};  // done; not known after a death
  std::vector<Hub::NotReady> not_ready = {};          // done

  const char* name() const {
    return word == Word::done ? "done" : word == Word::would ? "would" : "refused";
  }
  std::string head() const;
  std::vector<std::string> remarks() const;
  std::string text() const;
  std::string json() const;
  std::string not_ready_json() const;
};

std::string Reload::Result::head() const {
  if (word == Word::refused) return "not reloaded: " + why;
  const bool is_same = found.text("changes").empty();
  if (word == Word::would)
    return is_same ? "a reload would change nothing" : "a reload would change";
  return "reloaded" + (took ? " in " + milliseconds_text(*took) + " ms" : "") +
         (paused ? ", paused for " + milliseconds_text(*paused) + " ms" : "") + "; generation " +
         std::to_string(generation) + (is_same ? "; nothing in it has changed" : "");
}

std::string Reload::Result::text() const {
  if (word == Word::refused)
    return found.text("diagnostics") + head() +
           (why == kStops ? "\n" : "; the hub goes on with what it has\n");
  std::string all = head() + '\n' + found.text("changes");
  for (const auto& remark : remarks()) all += "  " + remark + '\n';
  return all + found.text("diagnostics");
}

// What is not as it should be, though the configuration is in force.
std::vector<std::string> Reload::Result::remarks() const {
  std::vector<std::string> remarks;
  for (const auto& handler : not_ready)
    remarks.push_back("handler '" + handler.name + "' is " + std::string(handler.state.name) +
                      (handler.state.reason.empty() ? "" : ": " + handler.state.reason));
  return remarks;
}

std::string Reload::Result::not_ready_json() const {
  std::string json;
  for (const auto& handler : not_ready)
    json += (json.empty() ? "{\"name\":" : ",{\"name\":") + json_string(handler.name) +
            ",\"state\":" + json_string(handler.state.name) +
            ",\"reason\":" + json_string(handler.state.reason) + '}';
  return '[' + json + ']';
}

std::string Reload::Result::json() const {
  std::string json = std::string("{\"ok\":") + (word == Word::refused ? "false" : "true");
  if (word == Word::refused) json += ",\"why\":" + json_string(why);
  if (word == Word::would) json += ",\"dry_run\":true";
  if (word == Word::done) json += ",\"generation\":" + std::to_string(generation);
  if (took) json += ",\"took_ms\":" + milliseconds_text(*took);
  if (paused) json += ",\"paused_ms\":" + milliseconds_text(*paused);
  if (word == Word::done) json += ",\"not_ready\":" + not_ready_json();
  return json + ",\"changes\":" + list_json(found, "changes.json") +
         ",\"diagnostics\":" + list_json(found, "diagnostics.json") + "}\n";
}

Reload::Reload(Needs needs) : needs_(std::move(needs)), record_(needs_.hub.memory(), "reload") {
  needs_.hub.memory().commit();
  result_file_ = needs_.link.retrieve(kResult);
  if (result_file_) result_ = Parts::read(result_file_->get());
}

// ---- how it ends

void Reload::ready() {
  using Start = Configurations::Start;
  auto& configurations = needs_.configurations;
  const auto now = needs_.clock.steady();
  const bool tries = configurations.start() == Start::tries;
  is_ready_ = true;
  if (tries) configurations.confirm();
  if (configurations.start() == Start::is_through) {
    const auto& mine = configurations.mine();
    Result done{.number = mine.number("number"),
                .word = Result::Word::done,
                .found = mine,
                .generation = mine.number("generation"),
                .not_ready = needs_.hub.not_ready()};
    if (tries) {
      done.took = now - time_in(mine, "began_ns");
      done.paused = now - time_in(mine, "quiet_ns");
    }
    end(done);
  } else if (configurations.start() == Start::goes_back) {
    const auto& why = configurations.failure();
    const auto& other = configurations.other();
    end({.number = other.number("number"),
         .why = why.empty() ? "the worker died before it was ready with it" : why,
         .found = other});
  } else if (record_->pending) {
    end({.number = record_->pending, .why = "the worker died meanwhile"});
  } else {
    follow_up();
  }
}

// The result is held before anything that would make another worker say it is forgotten.
void Reload::end(const Result& result) {
  if (result_.number("number") != result.number) {
    result_ = {};
    result_.set("number", result.number);
    result_.set("word", result.name());
    result_.set("json", result.json());
    result_.set("text", result.text());
    result_file_ = result_.write("standpipe: result of a reload");
    needs_.link.keep(kResult, result_file_->get());
    say(result);
  }
  needs_.configurations.forget_reload();
  needs_.link.reloaded();
  found_ = {};
  record_.edit().pending = 0;
  needs_.hub.memory().commit();
  follow_up();
}

void Reload::say(const Result& result) {
  if (result.word == Result::Word::would) return;
  const bool is_refused = result.word == Result::Word::refused;
  Diagnostic d{.severity = is_refused ? Severity::warning : Severity::info,
               .code = "reload",
               .message = result.head(),
               .notes = lines_in(result.found.text(is_refused ? "diagnostics" : "changes"))};
  for (auto& remark : result.remarks()) d.notes.push_back(std::move(remark));
  if (is_refused && !needs_.hub.is_stopping())
    d.help.emplace_back("the hub goes on with what it has");
  needs_.reporter.say(d);
}

void Reload::follow_up() {
  if (!record_->again) return;
  record_.edit().again = 0;
  needs_.hub.memory().commit();
  want();
}

// ---- how it begins

void Reload::want() {
  if (!is_ready_ || record_->pending) {
    record_.edit().again = 1;
    needs_.hub.memory().commit();
    return;
  }
  try {
    (void)begin(false);
  } catch (const Failure& failure) {
    needs_.reporter.warning("reload", std::string("not reloaded: ") + failure.what());
  }
}

std::uint64_t Reload::begin(bool is_dry_run) {
  if (needs_.hub.is_stopping()) throw Failure(std::string("not reloaded: ") + kStops);
  if (!is_ready_) throw Failure("not reloaded: the hub is starting");
  if (record_->pending)
    throw Failure("not reloaded: another reload is under way; ask again when it is over");
  auto& record = record_.edit();
  const auto number = record.pending = ++record.last;
  needs_.hub.memory().commit();
  is_dry_run_ = is_dry_run;
  began_ = needs_.clock.steady();
  if (!is_dry_run) needs_.link.reloading();
  try {
    examination_ = std::make_unique<Examination>(needs_.program, needs_.arguments,
                                                 needs_.configurations.in_force(), began_);
    needs_.hub.watch_reload(examination_->fd());
    needs_.hub.wake_reload_at(examination_->deadline());
  } catch (const Failure& failure) {
    examination_.reset();
    end({.number = number, .why = failure.what()});
  }
  return number;
}

void Reload::on_event() {
  if (!examination_) return;
  const auto examination = std::exchange(examination_, nullptr);
  needs_.hub.unwatch_reload(examination->fd());
  needs_.hub.wake_reload_at(std::nullopt);
  try {
    decide(examination->result());
  } catch (const Failure& failure) {
    end({.number = record_->pending, .why = failure.what()});
  }
}

void Reload::on_timer() {
  if (!examination_) return;
  needs_.hub.unwatch_reload(examination_->fd());
  examination_.reset();
  end({.number = record_->pending,
       .why = "it was not examined within " + duration_text(Examination::kMost) +
              "; perhaps a plugin does not say what it is"});
}

void Reload::decide(const Parts& found) {
  const auto refuse = [&](std::string why) {
    end({.number = record_->pending, .why = std::move(why), .found = found});
  };
  if (!found.text("why").empty()) return refuse(found.text("why"));
  const auto names = HubNames::read(found);
  if (const auto lack = needs_.hub.lack_of_room_for(names); !lack.empty())
    return refuse("the memory of this run cannot hold it: " + lack +
                  "; stop and start the hub: what waits is saved");
  if (const auto left = needs_.hub.left_on_disk_by(names); !left.empty())
    return refuse(joined(left, ", ") + (left.size() == 1 ? " has" : " have") +
                  " messages on the disk, which would stay there without a source of that name: "
                  "remove or rename it when they are delivered, or stop and start the hub");
  if (is_dry_run_)
    return end({.number = record_->pending, .word = Result::Word::would, .found = found});
  if (needs_.hub.is_stopping()) return refuse(kStops);
  found_ = found;
  needs_.hub.begin_succession(needs_.hub.names().leaving_in(names));
}

// ---- while the hub gives way

Parts Reload::next_of(const Parts& found) const {
  Parts next = found;
  next.set("number", record_->pending);
  next.set("generation", needs_.configurations.mine().number("generation") + 1);
  next.set("began_ns", static_cast<std::uint64_t>(began_.count()));
  next.set("quiet_ns", static_cast<std::uint64_t>(needs_.hub.quiet_since().count()));
  return next;
}

void Reload::go() { needs_.configurations.propose(next_of(found_)); }

void Reload::stays(const std::string& why) {
  needs_.configurations.withdraw();
  end({.number = record_->pending, .why = why, .found = found_});
}

// ---- the control socket

std::optional<std::string> Reload::answer(std::string_view request) {
  if (request == kAsk || request == kAskDry)
    return std::to_string(begin(request == kAskDry)) + '\n';
  if (!request.starts_with(kAskResult)) return std::nullopt;
  const auto number = parse_integer(request.substr(kAskResult.size()));
  if (!number || *number <= 0) throw Failure("a reload has a number");
  const auto wanted = static_cast<std::uint64_t>(*number);
  if (wanted == result_.number("number"))
    return result_.text("word") + '\n' + result_.text("json") + result_.text("text");
  if (wanted == record_->pending || !is_ready_) return "pending\n";
  throw Failure("nothing is known any more of reload " + std::to_string(wanted));
}

}  // namespace standpipe::worker
