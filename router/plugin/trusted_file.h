// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/open.hpp>
#include <string>

namespace standpipe::plugin {

// Whose powers a plugin is loaded with, and who besides root may have made its file: who used sudo,
// or else the owner of the program itself, who needs no plugin to have root run something.
paths::User loading_user();

// Refuses a plugin's file that others could replace or change, where root would run it: whoever can
// write to it, or to a folder on its way, would be root. That is a file or folder that belongs to
// somebody else, or that everybody, or a group other than root's, may write to; a folder with the
// sticky bit lets others replace nothing. For users who are not root anything goes: who may make
// them run a file could run it as well.
//
// Nothing can be replaced between this check and the loading by whom it keeps out. Throws Failure,
// which names what to change.
void check_trusted(const std::string& path, const paths::User& user = loading_user());

}  // namespace standpipe::plugin
