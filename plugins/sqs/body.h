// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// What SQS takes as the body of a message, or as a text of an attribute: UTF-8 of the characters
// that XML 1.0 has (tab, newline, carriage return, and all from U+0020 on but surrogates, U+FFFE
// and U+FFFF), and not nothing.
bool is_sqs_text(std::string_view text);

// What it takes as the name of an attribute: 1 to 256 letters, digits, '_', '-', and single dots
// inside; AWS. and Amazon. are AWS's own.
bool is_attribute_name(std::string_view name);

// Base64 for a payload that is no such text. SQS takes no empty body: of an empty payload it is a
// newline, which decoders skip.
std::string to_base64_body(std::string_view payload);
// Back again; spaces and newlines are skipped. nullopt: it is no base64.
std::optional<std::string> from_base64_body(std::string_view body);

std::string to_base64(std::string_view bytes);
