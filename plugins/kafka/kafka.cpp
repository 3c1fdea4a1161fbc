// SPDX-License-Identifier: Apache-2.0
#include "handler.h"
#include "source.h"

STANDPIPE_PLUGIN(kafka::KafkaHandler, kafka::KafkaSource)
