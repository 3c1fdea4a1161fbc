// SPDX-License-Identifier: Apache-2.0
//
// standpipe/description.hpp: what a plugin says about itself, and its options. Part of plugin.hpp.
#pragma once

#include <standpipe/plugin.h>
#include <standpipe/text.hpp>

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace standpipe {

// The declaration of one option. Every setter returns the option, so calls can be chained. Texts
// are written as a user writes them in YAML.
class Option {
 public:
  Option& text() { return type(STANDPIPE_STRING); }
  Option& integer() { return type(STANDPIPE_INTEGER); }
  Option& real() { return type(STANDPIPE_FLOAT); }
  Option& boolean() { return type(STANDPIPE_BOOLEAN); }
  Option& duration() { return type(STANDPIPE_DURATION); }
  Option& bytes() { return type(STANDPIPE_SIZE); }
  Option& path() { return type(STANDPIPE_PATH); }
  Option& url() { return type(STANDPIPE_URL); }
  Option& secret() { return type(STANDPIPE_SECRET); }
  Option& list() { return type(STANDPIPE_LIST); }
  Option& map() { return type(STANDPIPE_MAP); }
  Option& one_of(std::vector<std::string_view> choices) {
    for (auto c : choices) choices_.push_back(detail::abi(c));
    return type(STANDPIPE_ENUM);
  }
  // The path of a file that only this handler writes: `standpipe check` refuses two handlers that
  // name the same file.
  Option& own_file() {
    abi_.flags |= STANDPIPE_OPTION_OWN_FILE;
    return type(STANDPIPE_PATH);
  }
  // Where this option is given, the handler renames its own_file() to PATH.1, that one to PATH.2,
  // and so on: `standpipe check` refuses a file of another handler that has such a name.
  Option& rotates() {
    abi_.flags |= STANDPIPE_OPTION_ROTATES;
    return *this;
  }
  // A path in which messages fill placeholders, "logs/{json:/device}.log"; plugin.h says what the
  // router makes of it.
  Option& templated() {
    abi_.flags |= STANDPIPE_OPTION_TEMPLATE;
    return *this;
  }
  // An integer: so many files are open at a time where the own_file() has placeholders, and
  // `standpipe check` counts them.
  Option& open_files() {
    abi_.flags |= STANDPIPE_OPTION_OPEN_FILES;
    return *this;
  }
  // Of a plugin that offers both, only its handler, or only its source, has this option.
  Option& of_handler() {
    abi_.flags |= STANDPIPE_OPTION_OF_HANDLER;
    return *this;
  }
  Option& of_source() {
    abi_.flags |= STANDPIPE_OPTION_OF_SOURCE;
    return *this;
  }
  Option& required() {
    abi_.required = 1;
    return *this;
  }
  Option& summary(std::string_view s) { return set(abi_.summary, s); }
  Option& fallback(std::string_view s) { return set(abi_.fallback, s); }
  Option& minimum(std::string_view s) { return set(abi_.minimum, s); }
  Option& maximum(std::string_view s) { return set(abi_.maximum, s); }
  Option& unit(std::string_view s) { return set(abi_.unit, s); }
  Option& example(std::string_view s) { return set(abi_.example, s); }

  explicit Option(std::string_view name) {
    abi_.size = sizeof abi_;
    abi_.type = STANDPIPE_STRING;
    abi_.name = detail::abi(name);
  }
  standpipe_option abi() const {
    auto copy = abi_;
    copy.choices = choices_.data();
    copy.choice_count = static_cast<std::uint32_t>(choices_.size());
    return copy;
  }

 private:
  Option& type(std::uint32_t t) {
    abi_.type = t;
    return *this;
  }
  Option& set(standpipe_string& field, std::string_view text) {
    field = detail::abi(text);
    return *this;
  }
  standpipe_option abi_{};
  std::vector<standpipe_string> choices_;
};

// Texts must outlive the description, as string literals do.
class Description {
 public:
  Description& name(std::string_view s) { return set(plugin.name, s); }
  Description& version(std::string_view s) { return set(plugin.version, s); }
  Description& summary(std::string_view s) { return set(plugin.summary, s); }
  Description& documentation(std::string_view s) { return set(plugin.documentation, s); }
  // handle (or poll) never waits for anything, so it may run on the router's event loop. Without
  // this it gets a thread.
  Description& never_blocks() {
    placement = STANDPIPE_INLINE;
    return *this;
  }
  // It wants a process of its own, as what links foreign libraries does: a crash or a hang of it
  // touches nobody else. A router that has no such processes gives it a thread.
  Description& own_process() {
    placement = STANDPIPE_PROCESS;
    return *this;
  }
  // handle may take messages (Outcome::taken) and settle them later, which a router of minor
  // version 0 cannot do: it refuses the plugin.
  Description& settles_later() {
    minor = 1;
    return *this;
  }
  // handle or tick emits messages (Host::emit), which a router of minor version 0 cannot do: it
  // refuses the plugin.
  Description& emits() {
    minor = 1;
    return *this;
  }
  Option& option(std::string_view name) { return options.emplace_back(name); }

  standpipe_plugin plugin{};
  std::uint32_t placement = STANDPIPE_THREAD;
  std::uint16_t minor = 0;  // the lowest minor version that it can live with
  std::deque<Option> options;

 private:
  Description& set(standpipe_string& field, std::string_view text) {
    field = detail::abi(text);
    return *this;
  }
};

}  // namespace standpipe
