// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/streams.h"
#include "deliver/saved_file.h"

namespace standpipe::cli {

// What the commands `queue list`, `check`, `cat` and `export` share: whose data_dir it is, and the
// messages in it.
std::vector<Option> with_folder_options(std::vector<Option> options);
std::vector<Option> with_filter_options(std::vector<Option> options);

// The data_dir that --data-dir or the configuration names. nullopt: there is a mistake in the
// configuration, and it was said. Throws WrongUsage, or Failure: --data-dir is no folder.
std::optional<std::string> data_dir_of(const Arguments& arguments, Streams& streams);

// Shows every message that waits for one of --handler, of one of --source (each: all, if not
// given), until `show` says that it has enough. Damage is passed over and said. false: there was
// some.
using ShowMessage = std::function<bool(const deliver::SavedFile&, const deliver::SavedMessage&)>;
bool each_message(const std::string& data_dir, const Arguments& arguments, Streams& streams,
                  const ShowMessage& show);

// Says what of a file is lost. false: nothing is.
bool report_damage(const deliver::SavedFile& file, const deliver::SavedReader& reader,
                   Streams& streams);

}  // namespace standpipe::cli
