// SPDX-License-Identifier: Apache-2.0
#include "conformance/bounds.h"

#include <filesystem>

namespace standpipe::conformance {

void for_each_bound(
    Subject& subject,
    const std::function<void(const std::string& what, const testing::Options&)>& body) {
  const auto folder = std::filesystem::current_path().string();
  for (const auto& option : subject.description().options) {
    auto texts = option.choices;
    for (const auto& text : {option.minimum, option.maximum, option.fallback})
      if (!text.empty()) texts.push_back(text);
    if (option.type == STANDPIPE_BOOLEAN) texts.insert(texts.end(), {"true", "false"});
    if (option.type == STANDPIPE_LIST) texts.insert(texts.end(), {"[]", "[one, two]"});
    if (option.type == STANDPIPE_MAP) texts.insert(texts.end(), {"{}", "{one: 1, two: 2}"});
    if (option.type == STANDPIPE_STRING) texts.insert(texts.end(), {"", std::string(4096, 'x')});
    if (option.type == STANDPIPE_PATH) texts.push_back(folder + "/bound");
    for (const auto& text : texts) {
      auto options = subject.options();
      options[option.name] = text;
      body(option.name + ": " + text, options);
    }
  }
}

}  // namespace standpipe::conformance
