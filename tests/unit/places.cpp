// SPDX-License-Identifier: Apache-2.0
#include "places.h"

namespace places {

std::string data() { return STANDPIPE_TEST_DATA; }
std::string program() { return STANDPIPE_TEST_PROGRAM; }
std::string plugins() { return STANDPIPE_TEST_PLUGINS; }
std::string misbehaving() { return STANDPIPE_TEST_MISBEHAVING; }
std::string fixtures() { return STANDPIPE_TEST_FIXTURES; }
std::string config_plugins() { return STANDPIPE_TEST_CONFIG_PLUGINS; }
std::string broken() { return STANDPIPE_TEST_BROKEN; }
std::string toy_worker() { return STANDPIPE_TOY_WORKER; }

}  // namespace places
