// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <standpipe/plugin.hpp>
#include <standpipe/testing.hpp>

// The plugin whose objects are part of this program.
extern "C" const standpipe_plugin* standpipe_plugin_v1(void);

// What the tests of bridges' parts share.
namespace bridge {

// Options as a user writes them: "5s", "[one, two]", "{name: value}".
class Given {
 public:
  explicit Given(const standpipe::testing::Options& options)
      : config_(
            std::make_unique<standpipe::testing::Config>(*standpipe_plugin_v1(), options, "it")),
        options_(*config_->abi(), *standpipe_plugin_v1(), standpipe::Host(host_.abi())) {}
  operator const standpipe::Options&() const { return options_; }

 private:
  standpipe::testing::Host host_;
  std::unique_ptr<standpipe::testing::Config> config_;
  standpipe::Options options_;
};

// What making a T of these options throws; "": nothing.
template <class T>
std::string fault(const standpipe::testing::Options& options) {
  const Given given(options);
  try {
    (void)T(static_cast<const standpipe::Options&>(given));
    return "";
  } catch (const standpipe::fatal& why) {
    return why.what();
  }
}

// A message as a handler sees it.
class Seen {
 public:
  explicit Seen(const standpipe::testing::Message& message)
      : loan_({message}, standpipe::testing::Feed{"in", 1}, 1, standpipe::testing::Shape::today,
              standpipe::testing::Lending::strict),
        message_(loan_.batch()->messages[0], *loan_.batch()) {}
  const standpipe::Message& operator*() const { return message_; }

 private:
  standpipe::testing::Loan loan_;
  standpipe::Message message_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Pairs pairs(const std::vector<standpipe::Pair>& all) {
  Pairs out;
  for (const auto& pair : all)
    out.emplace_back(std::string(pair.name.data, pair.name.size),
                     std::string(pair.value.data, pair.value.size));
  return out;
}

}  // namespace bridge
