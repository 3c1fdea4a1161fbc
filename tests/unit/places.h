// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

// Where the build and the sources have what tests look for. In one file that is compiled apart, so
// that a compiler cache serves all others in whatever folder they are built.
namespace places {

std::string data();            // tests/
std::string program();         // standpipe
std::string plugins();         // those that come with the program
std::string misbehaving();     // those that only tests have
std::string fixtures();        // files that are no good plugins
std::string config_plugins();  // one that has every option
std::string broken();          // those that do one thing wrong each
std::string toy_worker();

}  // namespace places
