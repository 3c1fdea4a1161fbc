// SPDX-License-Identifier: Apache-2.0
#include "received.h"

#include <cctype>
#include <optional>
#include <string_view>

#include "body.h"
#include "entry.h"

namespace {

// "sqs.message_group_id" of "MessageGroupId".
std::string own_name(std::string_view attribute) {
  std::string name(EntryMaker::kOwnMetadata);
  for (std::size_t i = 0; i < attribute.size(); ++i) {
    const auto c = static_cast<unsigned char>(attribute[i]);
    const bool begins_word =
        std::isupper(c) && i > 0 && !std::isupper(static_cast<unsigned char>(attribute[i - 1]));
    if (begins_word) name += '_';
    name += static_cast<char>(std::tolower(c));
  }
  return name;
}

std::string value_of(const JsonValue& attribute) {
  if (const auto text = attribute["StringValue"]) return text.text();
  return from_base64_body(attribute["BinaryValue"].text()).value_or("");
}

bool says_base64(const JsonValue& attributes) {
  return value_of(attributes[EntryMaker::kEncoding]) == "base64";
}

ReceivedMessage message_of(const JsonValue& json, Encoding encoding) {
  ReceivedMessage message{json["MessageId"].text(), json["ReceiptHandle"].text(), {}, {}};
  auto body = json["Body"].text();
  const auto attributes = json["MessageAttributes"];
  const bool is_said = encoding != Encoding::text && says_base64(attributes);
  std::optional<std::string> decoded;
  if (is_said || encoding == Encoding::base64) decoded = from_base64_body(body);
  message.payload = decoded ? std::move(*decoded) : std::move(body);
  for (const auto& [name, attribute] : attributes.fields())
    if (!(decoded && is_said && name == EntryMaker::kEncoding))
      message.metadata.emplace_back(name, value_of(attribute));
  message.metadata.emplace_back(std::string(EntryMaker::kOwnMetadata) + "message_id",
                                message.message_id);
  for (const auto& [name, value] : json["Attributes"].fields())
    message.metadata.emplace_back(own_name(name), value.text());
  return message;
}

}  // namespace

std::vector<ReceivedMessage> received_messages(const JsonValue& answer, Encoding encoding) {
  std::vector<ReceivedMessage> messages;
  for (const auto& json : answer["Messages"].items())
    messages.push_back(message_of(json, encoding));
  return messages;
}
