// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

STANDPIPE_PLUGIN(ExecHandler)
