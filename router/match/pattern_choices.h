// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace standpipe::match {

// How many choices a pattern leaves open while it is matched: classes, repetitions and
// alternatives, each as often as it is repeated. Its automaton has a state for each way to have
// chosen, so at most about 2 to the power of that for each of its characters; a text alone has
// none. An estimate from above, of a pattern that RE2 accepts; linear in its length.
std::size_t choices_in(std::string_view pattern);

}  // namespace standpipe::match
