// SPDX-License-Identifier: Apache-2.0
#include "cli/letters.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "cli/control_socket.h"
#include "cli/status.h"
#include "config/loader.h"
#include "plugin/registry.h"
#include "rehearsal/rehearsal.h"

namespace standpipe::cli {
namespace {

using deliver::DeadLetter;

std::vector<std::string_view> reason_names() {
  std::vector<std::string_view> names;
  for (const auto reason : deliver::kDeadReasons) names.push_back(deliver::reason_name(reason));
  return names;
}

std::uint64_t time_of(const Arguments& arguments, std::string_view option,
                      std::uint64_t otherwise) {
  const auto text = arguments.text(option);
  if (!text) return otherwise;
  if (const auto time = parse_time(*text, SystemClock().wall())) return *time;
  throw WrongUsage("--" + std::string(option) + ' ' + quoted(*text) + " is no time",
                   "e.g. 2h (that long ago), 2026-01-31, \"2026-01-31 14:05\", or "
                   "2026-01-31T14:05:09Z");
}

// A hub that never ran has no folder, and no letters.
std::string readable(std::string folder) {
  if (::access(folder.c_str(), R_OK | X_OK) != 0 && errno != ENOENT)
    throw Failure::system("look into " + folder, errno, "run this as the hub's user, or as root");
  return folder;
}

// Throws WrongConfiguration after each mistake was told.
config::HubOptions configured(const std::string& configuration, Streams& streams) {
  auto plugins = plugin::Registry::of_names();
  auto loaded = config::load_paths({configuration}, plugins, config::Reading::again);
  if (loaded.ok()) return std::move(loaded.hub);
  for (const auto& d : loaded.diagnostics) streams.err.say(d);
  throw WrongConfiguration("the configuration does not say where the dead letters are",
                           "name the folder instead: --data-dir DIR");
}

// Its number among those of a hub; nullopt: it is none.
template <class Named>
std::optional<std::size_t> number_of(const std::vector<Named>& all, std::string_view name) {
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& n) { return n.name == name; });
  if (at == all.end()) return std::nullopt;
  return static_cast<std::size_t>(at - all.begin());
}

constexpr std::size_t kNamesMost = 100;
constexpr std::uint64_t kSecond = 1'000'000'000;

// Takes ".123" off the end of a time, as this program writes it in JSON. Returns nanoseconds.
std::optional<std::uint64_t> take_fraction(std::string& time) {
  const auto point = time.rfind('.');
  if (point == std::string::npos) return 0;
  auto digits = time.substr(point + 1);
  time.resize(point);
  const bool is_number = !digits.empty() && digits.size() <= 9 &&
                         digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || time.find(':') == std::string::npos) return std::nullopt;
  digits.resize(9, '0');
  return std::stoull(digits);
}

std::string utc_time(std::uint64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &time);
  auto digits = std::to_string(1'000'000'000 + ns % 1'000'000'000);
  return std::string(text.data(), length) + '.' + digits.substr(1) + 'Z';
}

std::string value_json(std::string_view key, std::string_view value, bool as_base64) {
  if (!as_base64 && is_utf8(value)) return "\"" + std::string(key) + "text\":" + json_string(value);
  return "\"" + std::string(key) + "base64\":\"" + base64(value) + '"';
}

std::string metadata_json(const DeadLetter& letter) {
  std::string json;
  for (const auto& [name, value] : letter.metadata())
    json += (json.empty() ? "" : ",") + ("{\"name\":" + json_string(name)) + ',' +
            value_json("", value, false) + '}';
  return '[' + json + ']';
}

}  // namespace

Option letter_id_option() {
  return {.name = "id",
          .kind = Kind::text,
          .value = "ID",
          .summary = "this one, or those whose ids begin so; may be given several times",
          .repeatable = true};
}

std::vector<Option> letter_options(std::vector<Option> own) {
  std::vector<Option> all = {
      {.name = "handler",
       .kind = Kind::text,
       .value = "NAME",
       .summary = "that this one refused; may be given several times",
       .repeatable = true},
      {.name = "source",
       .kind = Kind::text,
       .value = "NAME",
       .summary = "that came in there; may be given several times",
       .repeatable = true},
      {.name = "reason",
       .kind = Kind::choice,
       .value = "R",
       .summary = "with this reason; may be given several times",
       .choices = reason_names(),
       .repeatable = true},
      {.name = "since",
       .kind = Kind::text,
       .value = "TIME",
       .summary = "dead-lettered then or later: 2h (ago), \"2026-01-31 14:05\""},
      {.name = "until", .kind = Kind::text, .value = "TIME", .summary = "or before then"},
      {.name = "data-dir",
       .kind = Kind::folder,
       .value = "DIR",
       .summary = "a hub's data_dir, whether it runs or not"},
      control_option("the hub's control socket, as given to `run`")};
  for (auto& option : own) all.push_back(std::move(option));
  return all;
}

deliver::LetterFilter letter_filter(const Arguments& arguments, std::vector<std::string> ids) {
  deliver::LetterFilter filter;
  for (const auto* option : {"id", "handler", "source"})
    for (const auto& text : arguments.texts(option))
      if (text.find_first_of(" \t\n") != std::string::npos)
        throw WrongUsage("--" + std::string(option) + ' ' + quoted(text) + " names nothing",
                         "names have no spaces; give the option once for each");
  filter.ids = std::move(ids);
  filter.handlers = arguments.texts("handler");
  filter.sources = arguments.texts("source");
  for (const auto& name : arguments.texts("reason"))
    filter.reasons.push_back(*deliver::dead_reason(name));
  filter.since_ns = time_of(arguments, "since", filter.since_ns);
  filter.until_ns = time_of(arguments, "until", filter.until_ns);
  if (filter.since_ns > filter.until_ns)
    throw WrongUsage("--since is later than --until, so no letter is meant",
                     "\"--since 7d --until 2d\" is from seven days ago to two days ago");
  return filter;
}

std::optional<std::uint64_t> parse_time(const std::string& text, Nanoseconds now) {
  if (const auto ago = parse_duration(text)) {
    if (*ago > now) return 0;
    return static_cast<std::uint64_t>((now - *ago).count());
  }
  auto plain = text;
  const bool is_utc = plain.ends_with('Z');
  if (is_utc) plain.pop_back();
  const auto fraction = take_fraction(plain);
  if (!fraction) return std::nullopt;
  for (const auto* format :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    std::tm time{};
    const char* end = ::strptime(plain.c_str(), format, &time);
    if (!end || *end) continue;
    const auto asked = time;
    time.tm_isdst = -1;
    const auto seconds = is_utc ? ::timegm(&time) : ::mktime(&time);
    const bool is_a_day = time.tm_mday == asked.tm_mday && time.tm_mon == asked.tm_mon;
    if (seconds < 0 || !is_a_day) return std::nullopt;
    if (static_cast<std::uint64_t>(seconds) >= UINT64_MAX / kSecond) return UINT64_MAX;
    return static_cast<std::uint64_t>(seconds) * kSecond + *fraction;
  }
  return std::nullopt;
}

std::string letters_folder(const Arguments& arguments, Streams& streams, std::size_t config_at) {
  const bool has_config = arguments.operands().size() > config_at;
  if (const auto folder = arguments.text("data-dir")) {
    if (has_config || arguments.has("control"))
      throw WrongUsage("the letters are named by --data-dir, or by their hub, not by both",
                       "leave one out");
    std::error_code error;
    if (!std::filesystem::is_directory(*folder, error))
      throw Failure("there is no folder " + escaped(*folder), "correct --data-dir");
    return readable(*folder);
  }
  if (has_config && !arguments.has("control"))
    return readable(configured(arguments.operands()[config_at], streams).data_dir);
  try {
    auto folder = ask_hub(arguments, "dead where", config_at);
    while (folder.ends_with('\n')) folder.pop_back();
    return folder;
  } catch (const WrongUsage&) {
    throw;
  } catch (const Failure& failure) {
    throw Failure(failure.what(),
                  (failure.help().empty() ? "" : failure.help() + "; ") +
                      std::string("of a hub that does not run: name its "
                                  "configuration, or its folder with --data-dir DIR"));
  }
}

std::vector<std::string> routes_of(const DeadLetter& letter, const std::string& configuration,
                                   Streams& streams) {
  const auto hub = configured(configuration, streams);
  std::vector<std::string> names;
  const auto source = number_of(hub.sources, letter.source);
  const auto handler = number_of(hub.handlers, letter.handler);
  if (!source || !handler) return names;
  rehearsal::Metadata meta;
  for (const auto& [name, value] : letter.metadata()) meta.emplace_back(name, value);
  const auto why = rehearsal::Rehearsal(hub).explain(*source, payload_of(letter), meta);
  for (const auto& route : why.routes) {
    const auto& to = hub.routes[route.number].to;
    if (route.matched && std::find(to.begin(), to.end(), *handler) != to.end())
      names.push_back(route.name);
  }
  return names;
}

std::string letter_time(std::uint64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm time{};
  ::localtime_r(&seconds, &time);
  std::array<char, 40> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &time)};
}

std::string letter_json(const DeadLetter& letter, WithPayload payload) {
  std::string json =
      "{\"id\":" + json_string(deliver::letter_id(letter)) +
      ",\"source\":" + json_string(letter.source) + ",\"handler\":" + json_string(letter.handler) +
      ",\"plugin\":" + json_string(letter.plugin) +
      ",\"reason\":" + json_string(deliver::reason_name(letter.reason)) +
      ",\"detail\":" + json_string(letter.detail) +
      ",\"route\":" + (letter.route.empty() ? "null" : json_string(letter.route)) +
      ",\"attempts\":" + std::to_string(letter.attempts) +
      ",\"sequence\":" + std::to_string(letter.sequence) +
      ",\"accepted\":" + json_string(utc_time(letter.accepted_ns)) +
      ",\"dead_lettered\":" + json_string(utc_time(letter.dead_lettered_ns)) +
      ",\"size\":" + std::to_string(letter.payload.size()) + ",\"meta\":" + metadata_json(letter);
  if (payload != WithPayload::no)
    json += ',' + value_json("", payload_of(letter), payload == WithPayload::base64);
  return json + "}\n";
}

std::string_view payload_of(const DeadLetter& letter) {
  return {reinterpret_cast<const char*>(letter.payload.data()), letter.payload.size()};
}

void LetterNames::add(const DeadLetter& letter) {
  if (handlers_.size() < kNamesMost) handlers_.emplace(letter.handler);
  if (sources_.size() < kNamesMost) sources_.emplace(letter.source);
}

std::string LetterNames::unknown(const deliver::LetterFilter& filter) const {
  std::string text;
  const auto look = [&](const char* what, const auto& asked, const auto& known) {
    for (const auto& name : asked)
      if (!known.contains(name))
        text += "; none is of " + std::string(what) + " '" + printable(name) +
                (known.empty() ? "'"
                               : "' (there are some of: " +
                                     printable(joined({known.begin(), known.end()}, ", ")) + ")");
  };
  look("handler", filter.handlers, handlers_);
  look("source", filter.sources, sources_);
  return text;
}

bool report_unreadable(const deliver::DeadLetterReader& reader, Streams& streams) {
  for (const auto& problem : reader.problems())
    streams.err.warning("damaged", problem.what(), problem.help());
  if (reader.unreadable() > 0)
    streams.err.warning("unreadable",
                        counted(reader.unreadable(), "record") +
                            " could not be read: a later version of Standpipe may have written it",
                        "use that version");
  return reader.problems().empty();
}

}  // namespace standpipe::cli
