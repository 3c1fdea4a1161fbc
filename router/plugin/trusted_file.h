// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/open.hpp>
#include <string>

namespace standpipe::plugin {

// Refuses a plugin's file that others could replace or change, where root would run it: whoever can
// write to it, or to a folder on its way, would be root. That is a file or folder that belongs to
// somebody else (who used sudo counts as root), or that everybody, or a group other than root's,
// may write to; a folder with the sticky bit lets others replace nothing. For users who are not
// root anything goes: who may make them run a file could run it as well.
//
// Nothing can be replaced between this check and the loading by whom it keeps out. Throws Failure,
// which names what to change.
void check_trusted(const std::string& path, const paths::User& user = paths::User::current());

}  // namespace standpipe::plugin
