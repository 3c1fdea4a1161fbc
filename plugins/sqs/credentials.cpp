// SPDX-License-Identifier: Apache-2.0
#include "credentials.h"

#include <fstream>
#include <map>
#include <standpipe/plugin.hpp>
#include <string_view>

#include "environment.h"

namespace {

using Section = std::map<std::string, std::string, std::less<>>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Section section_of(std::istream& file, const std::string& name) {
  Section section;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    const auto text = trimmed(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text[0] == '[') {
      is_inside = text == "[" + name + "]";
      continue;
    }
    const auto equals = text.find('=');
    if (is_inside && equals != std::string_view::npos)
      section.insert_or_assign(std::string(trimmed(text.substr(0, equals))),
                               std::string(trimmed(text.substr(equals + 1))));
  }
  return section;
}

std::string credentials_file() {
  auto named = environment("AWS_SHARED_CREDENTIALS_FILE");
  if (!named.empty()) return named;
  const auto home = environment("HOME");
  return home.empty() ? "" : home + "/.aws/credentials";
}

}  // namespace

Credentials find_credentials(const Credentials& of_options, const std::string& profile) {
  if (!of_options.access_key_id.empty()) {
    auto found = of_options;
    found.from = "the options access_key_id and secret_access_key";
    return found;
  }
  Credentials found{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                    environment("AWS_SESSION_TOKEN"), "the environment (AWS_ACCESS_KEY_ID)", false};
  if (profile.empty() && !found.access_key_id.empty() && !found.secret_access_key.empty())
    return found;
  const auto path = credentials_file();
  const auto named = environment("AWS_PROFILE");
  const auto name = !profile.empty() ? profile : !named.empty() ? named : "default";
  std::ifstream file(path);
  auto section = section_of(file, name);
  found = {section["aws_access_key_id"], section["aws_secret_access_key"],
           section["aws_session_token"], "the profile " + name + " of " + path, true};
  if (!found.access_key_id.empty() && !found.secret_access_key.empty()) return found;
  throw standpipe::fatal(
      "there are no credentials: set the options access_key_id and secret_access_key (or "
      "access_key_id_file and secret_access_key_file), or AWS_ACCESS_KEY_ID and "
      "AWS_SECRET_ACCESS_KEY in the hub's environment, or the profile " +
      name + " in " + (path.empty() ? "~/.aws/credentials" : path));
}
