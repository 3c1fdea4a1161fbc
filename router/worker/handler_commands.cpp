// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_commands.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

constexpr std::string_view kWord = "handler";
constexpr const char* kHeldBy = "held by a person";

std::vector<std::string> words_of(std::string_view request) {
  std::vector<std::string> words;
  while (!request.empty()) {
    const auto end = std::min(request.find(' '), request.size());
    if (end > 0) words.emplace_back(request.substr(0, end));
    request.remove_prefix(std::min(end + 1, request.size()));
  }
  return words;
}

// No field has a tab or a line's end in it.
std::string field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

std::uint64_t in_flight(const deliver::Delivery& delivery) {
  return delivery.tally().matched - delivery.tally().settled();
}

// What came back from a queue's files stays there until the handler is through with it.
std::uint64_t on_disk(const deliver::HandlerLoop& handler) {
  std::uint64_t count = 0;
  for (const auto& delivery : handler.deliveries())
    count +=
        delivery->of() == deliver::Delivery::Of::queue ? in_flight(*delivery) : delivery->saved();
  return count;
}

bool has_next(const deliver::Delivery& delivery) {
  return !delivery.redeliveries().empty() ||
         delivery.log().count_from(delivery.next(), delivery.bit()) > 0;
}

}  // namespace

bool HandlerCommands::changes_something(std::string_view request) {
  const auto words = words_of(request);
  return words.size() > 1 && words[0] == kWord && words[1] != "list";
}

std::optional<std::string> HandlerCommands::answer(std::string_view request) {
  const auto words = words_of(request);
  if (words.empty() || words[0] != kWord) return std::nullopt;
  const auto verb = words.size() > 1 ? words[1] : "";
  if (verb == "list" && words.size() == 2) return list();
  const bool is_known = verb == "hold" || verb == "retry" || verb == "skip";
  if (!is_known || words.size() < 3 || words.size() > (verb == "skip" ? 4 : 3))
    throw Failure("this hub does not know the request " + quoted(request) +
                  " (requests: handler list, handler hold NAME, handler retry NAME, handler skip "
                  "NAME [SOURCE])");
  const auto handler = number_of(words[2]);
  if (handlers_[handler].departed())
    throw Failure(words[2] + " is no longer in the configuration, so it gets nothing");
  if (verb == "hold") return hold(handler);
  if (verb == "retry") return retry(handler);
  return skip(handler, words.size() > 3 ? words[3] : "");
}

std::size_t HandlerCommands::number_of(std::string_view name) const {
  std::vector<std::string> names;
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    if (handlers_[h].name() == name) return h;
    names.push_back(handlers_[h].name());
  }
  throw Failure("there is no handler " + quoted(name) + " (handlers: " + joined(names, ", ") + ")");
}

std::string HandlerCommands::list() const {
  std::string out;
  for (const auto& handler : handlers_.all()) {
    std::uint64_t waits = 0;
    for (const auto& delivery : handler->deliveries()) waits += in_flight(*delivery);
    const auto state = handler->state(clock_.steady());
    out += handler->name() + '\t' + std::string(state.name) + '\t' + std::to_string(waits) + '\t' +
           std::to_string(on_disk(*handler)) + '\t' + field(state.reason) + '\n';
  }
  return out;
}

std::string HandlerCommands::hold(std::size_t h) {
  auto& handler = handlers_[h];
  if (handler.held()) return handler.name() + " is held already: " + handler.held_for() + '\n';
  handler.pause(kHeldBy);
  handlers_.wake(h);
  return handler.name() + " is held: it " + (handler.options().is_source ? "brings" : "gets") +
         " no message until `standpipe handler retry " + handler.name() + "`" +
         (handler.in_call() ? "; the call in progress comes to its end" : "") + '\n';
}

void HandlerCommands::require_release(const deliver::HandlerLoop& handler) const {
  if (!handler.held())
    throw Failure(
        handler.name() + " is not held: it is " + std::string(handler.state(clock_.steady()).name),
        "hold it first, if that is meant: standpipe handler hold " + handler.name());
}

std::string HandlerCommands::retry(std::size_t h) {
  auto& handler = handlers_[h];
  require_release(handler);
  handler.release();
  handlers_.wake(h);
  return handler.name() + " is released: it opens, and " +
         (handler.options().is_source ? "goes on where it was\n" : "its messages go on\n");
}

deliver::Delivery& HandlerCommands::delivery_of(const deliver::HandlerLoop& handler,
                                                std::string_view source) {
  std::vector<deliver::Delivery*> with;
  std::vector<std::string> names, all;
  for (const auto& delivery : handler.deliveries()) {
    if (std::find(all.begin(), all.end(), delivery->source()) == all.end())
      all.push_back(delivery->source());
    if (delivery->is_queued() || !has_next(*delivery) ||
        (!source.empty() && delivery->source() != source))
      continue;
    with.push_back(delivery.get());
    names.push_back(delivery->source());
  }
  // One source may have two: what it has now, and dead letters that are replayed.
  const bool is_one_source = std::all_of(
      with.begin(), with.end(), [&](const auto* d) { return d->source() == with[0]->source(); });
  if (!with.empty() && is_one_source) return *with.front();
  if (!with.empty())
    throw Failure("messages of " + joined(names, ", ") + " wait for " + handler.name() +
                  ": say which source's is to be skipped: --source NAME");
  if (source.empty()) throw Failure("no message waits for " + handler.name());
  if (std::find(all.begin(), all.end(), source) != all.end())
    throw Failure("no message of " + std::string(source) + " waits for " + handler.name());
  throw Failure(handler.name() + " gets nothing from " + quoted(source) +
                " (its sources: " + joined(all, ", ") + ")");
}

std::string HandlerCommands::skip(std::size_t h, std::string_view source) {
  auto& handler = handlers_[h];
  if (handler.options().is_source)
    throw Failure(handler.name() + " is a source: it brings messages, so none waits for it",
                  handler.held() ? "let it go on: standpipe handler retry " + handler.name()
                                 : "name the handler that is held at a message");
  require_release(handler);
  if (handler.in_call())
    throw Failure("a call of " + handler.name() + " is in progress; try again when it is over");
  auto& delivery = delivery_of(handler, source);
  const auto first = delivery.redeliveries().empty() ? delivery.next()
                                                     : delivery.redeliveries().front().range.begin;
  const bool kept = handler.skip(
      delivery, "a person let it pass, when the handler was held: " + handler.held_for(),
      clock_.steady());
  handler.release();
  handlers_.wake(h);
  return handler.name() + " is released behind message " + thousands(first.sequence.number) +
         " of " + delivery.source() +
         (kept ? ", which is among the dead letters (skipped)\n"
               : ", which is dropped (skipped)\n");
}

}  // namespace standpipe::worker
