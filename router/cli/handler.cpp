// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

// A line of "handler list" (worker/handler_commands.h).
struct HandlerRow {
  std::string name, state, in_flight, saved, reason;
};

std::string take_field(std::string_view& line) {
  const auto end = std::min(line.find('\t'), line.size());
  std::string field(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

std::vector<HandlerRow> handler_rows(std::string_view text) {
  std::vector<HandlerRow> rows;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    HandlerRow row;
    for (auto* field : {&row.name, &row.state, &row.in_flight, &row.saved, &row.reason})
      *field = take_field(line);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string handler_row_json(const HandlerRow& row) {
  return "{\"handler\":" + json_string(row.name) + ",\"state\":" + json_string(row.state) +
         ",\"in_flight\":" + row.in_flight + ",\"saved\":" + row.saved +
         ",\"reason\":" + json_string(row.reason) + "}\n";
}

Status list_handlers(const Arguments& arguments, Streams& streams) {
  const auto rows = handler_rows(ask_hub(arguments, "handler list"));
  if (arguments.has("json")) {
    for (const auto& row : rows) streams.out.write(handler_row_json(row));
    return Status::done;
  }
  std::vector<std::vector<std::string>> table = {{"HANDLER", "STATE", "LAG", "ON DISK", "REASON"}};
  for (const auto& row : rows)
    table.push_back({printable(row.name), row.state, row.in_flight, row.saved,
                     row.reason.empty() ? "-" : printable(row.reason)});
  streams.out.write(table_text(table));
  return Status::done;
}

Status ask_for(std::string_view verb, const Arguments& arguments, Streams& streams) {
  const auto& name = arguments.operands()[0];
  auto request = "handler " + std::string(verb) + ' ' + name;
  if (verb == "skip")
    if (const auto source = arguments.text("source")) request += ' ' + *source;
  auto text = ask_hub(arguments, request, 1);
  if (!arguments.has("json")) {
    streams.out.write(printable_lines(text, ""));
    return Status::done;
  }
  while (text.ends_with('\n')) text.pop_back();
  streams.out.write("{\"handler\":" + json_string(name) + ",\"done\":" + json_string(verb) +
                    ",\"text\":" + json_string(text) + "}\n");
  return Status::done;
}

Status retry_handler(const Arguments& arguments, Streams& streams) {
  return ask_for("retry", arguments, streams);
}

Status hold_handler(const Arguments& arguments, Streams& streams) {
  return ask_for("hold", arguments, streams);
}

Status skip_handler(const Arguments& arguments, Streams& streams) {
  return ask_for("skip", arguments, streams);
}

std::vector<Operand> name_and_config() {
  return {{.name = "NAME", .kind = Kind::text}, {.name = "CONFIG", .required = false}};
}

std::vector<Option> handler_options() {
  return {control_option("the hub's control socket, as given to `run`"),
          {.name = "json", .summary = "for programs, one line of JSON"}};
}

}  // namespace

Command handler_list_command() {
  return {.name = "handler list",
          .summary = "lists a running hub's handlers, and why one is held",
          .examples = {{"standpipe handler list", "state, messages in flight and reason of each"},
                       {"standpipe handler list --json", "an object a handler and line"}},
          .description =
              "The states are opening (its plugin connects, or tries to), ready, retrying (a\n"
              "message failed, and is tried again after a pause), held (it gets nothing before\n"
              "a person acts) and closed. LAG is what is in flight for it; ON DISK how much of\n"
              "that is in its queue on disk, or overflowed to the disk while it was away.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = handler_options(),
          .run = list_handlers};
}

Command handler_retry_command() {
  return {.name = "handler retry",
          .summary = "lets a held handler of a running hub go on",
          .examples = {{"standpipe handler retry audit", "when the cause of the hold is removed"},
                       {"standpipe handler retry audit orders.yaml",
                        "of the hub of that configuration, where several run"}},
          .description =
              "A handler is held when its plugin says that a person has to act, when it ends\n"
              "workers again and again, or by `standpipe handler hold`. Its messages wait. This\n"
              "ends the hold: the plugin opens again, and its messages go on, in order, from\n"
              "the one that it was held at. Those that overflowed to the disk meanwhile come\n"
              "first.",
          .operands = name_and_config(),
          .options = handler_options(),
          .run = retry_handler};
}

Command handler_hold_command() {
  return {.name = "handler hold",
          .summary = "holds a handler of a running hub: it gets nothing more",
          .examples = {{"standpipe handler hold audit",
                        "while its database is moved, say; its messages wait"},
                       {"standpipe handler retry audit", "ends it"}},
          .description =
              "Its messages wait in the sources' logs; what its FIFOs and files have been given\n"
              "goes on. A call that is in progress comes to its end. A source that feeds other\n"
              "handlers too puts what waits on the disk when its log is full (overflow_max);\n"
              "one that feeds only this handler lets its writers wait. The hold outlives a\n"
              "worker that dies, and ends with the hub, or with `standpipe handler retry`.",
          .operands = name_and_config(),
          .options = handler_options(),
          .run = hold_handler};
}

Command handler_skip_command() {
  auto command = handler_options();
  command.push_back({.name = "source",
                     .kind = Kind::text,
                     .value = "NAME",
                     .summary = "of which source, where messages of several wait"});
  return {.name = "handler skip",
          .summary = "lets a held handler go on after the message that it is held at",
          .examples = {{"standpipe handler skip audit", "that message is dead-lettered"},
                       {"standpipe handler skip audit --source orders",
                        "where messages of several sources wait for it"}},
          .description =
              "The next message that the handler would get is dead-lettered, with the reason\n"
              "skipped (or dropped, with dead_letter: false); then it is released as by\n"
              "`standpipe handler retry`.",
          .operands = name_and_config(),
          .options = std::move(command),
          .run = skip_handler};
}

}  // namespace standpipe::cli
