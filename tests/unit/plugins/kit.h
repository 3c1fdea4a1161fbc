// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/testing.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "places.h"

// The SDK's test kit, with what our own plugins' tests need besides.
namespace kit {

using standpipe::detail::abi;
using standpipe::detail::view;
using standpipe::testing::Answer;
using standpipe::testing::Feed;
using standpipe::testing::Handler;
using standpipe::testing::Message;
using standpipe::testing::Options;
using standpipe::testing::Status;

// Loads NAME.so from the folder of the built plugins.
inline const standpipe_plugin& load(const std::string& name,
                                    const std::string& folder = places::plugins()) {
  return standpipe::testing::load(folder + "/" + name + ".so");
}

// A router that does not write to files, unless it is told to.
struct Host : standpipe::testing::Host {
  Host() { without_files(); }
  void write_files() { with_files(); }
};

// Messages as a handler sees them, without a handler.
class Lent {
 public:
  Lent(const std::vector<Message>& messages, const std::string& source, std::uint32_t attempt)
      : loan_(messages, Feed{source, attempt}, 1, standpipe::testing::Shape::today,
              standpipe::testing::Lending::strict) {}
  const standpipe_batch* abi_batch() const { return loan_.batch(); }

 private:
  standpipe::testing::Loan loan_;
};

}  // namespace kit
