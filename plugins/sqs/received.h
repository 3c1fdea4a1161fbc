// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "settings.h"

// A message as SQS gave it: the payload, its attributes and what SQS says of it as metadata.
struct ReceivedMessage {
  std::string message_id;
  std::string receipt_handle;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Of the answer to ReceiveMessage. Message attributes become metadata of the same name, and SQS's
// own become sqs.message_id, sqs.sent_timestamp, sqs.approximate_receive_count and so on.
//
// A body with the attribute encoding=base64 is decoded, unless the encoding is `text`; then that
// attribute is no metadata. With `base64` every body that can be is decoded.
std::vector<ReceivedMessage> received_messages(const JsonValue& answer, Encoding encoding);
