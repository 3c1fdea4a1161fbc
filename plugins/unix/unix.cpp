// SPDX-License-Identifier: Apache-2.0
#include "handler.h"
#include "source.h"

STANDPIPE_PLUGIN(unix_socket::Handler, unix_socket::Source)
