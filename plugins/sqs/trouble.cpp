// SPDX-License-Identifier: Apache-2.0
#include "trouble.h"

#include <algorithm>
#include <initializer_list>
#include <standpipe/plugin.hpp>
#include <string_view>

namespace {

using Kind = Trouble::Kind;

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// "QueueDoesNotExist" of "com.amazonaws.sqs#QueueDoesNotExist", and "NonExistentQueue" of
// "AWS.SimpleQueueService.NonExistentQueue".
std::string code_of(const JsonValue& error) {
  auto code = error["__type"].text();
  if (const auto hash = code.rfind('#'); hash != std::string::npos) code.erase(0, hash + 1);
  if (const auto dot = code.rfind('.'); dot != std::string::npos) code.erase(0, dot + 1);
  return code;
}

std::string message_of(const JsonValue& error) {
  auto lower = error["message"].text();
  return lower.empty() ? error["Message"].text() : lower;
}

// The first line. Behind it AWS repeats the headers that it would have signed, a session token too.
std::string printable(std::string text) {
  constexpr std::size_t kMost = 200;
  text.resize(std::min(text.size(), text.find('\n')));
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

bool is_busy(const Reply& reply, std::string_view code) {
  return reply.status >= 500 || reply.status == 429 ||
         code.find("Throttl") != std::string_view::npos ||
         is_one_of(code, {"RequestLimitExceeded", "TooManyRequestsException", "OverLimit",
                          "SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure"});
}

Trouble of_transport(const Reply& reply, const Where& where) {
  const bool is_unreachable = reply.transport == Reply::Transport::unreachable;
  return {is_unreachable ? Kind::lost : Kind::broken,
          (is_unreachable ? "cannot reach " : "no answer from ") + where.url + ": " +
              printable(reply.error)};
}

Trouble expired(const Where& where) {
  if (where.credentials_may_change)
    return {Kind::lost, "the credentials of " + where.credentials +
                            " have expired; it is read again before each attempt"};
  return {Kind::fatal, "the credentials have expired; renew those of " + where.credentials};
}

Trouble of_credentials(std::string_view code, const std::string& said, const Where& where) {
  if (is_one_of(code, {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}))
    return expired(where);
  if (is_one_of(code, {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
                       "MissingAuthenticationToken", "MissingAuthenticationTokenException"}))
    return {Kind::fatal, "AWS does not know the access key (" + said + "); correct " +
                             where.credentials +
                             ", and the session token if it is a temporary one"};
  if (is_one_of(code, {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
                       "IncompleteSignatureException", "RequestExpired", "RequestTimeTooSkewed"}))
    return {Kind::fatal, "the signature is refused (" + said +
                             "); the secret access key does not belong to the access key, the "
                             "region is not " +
                             where.region + ", or this machine's clock is wrong: correct " +
                             where.credentials};
  return {};
}

}  // namespace

void Trouble::raise() const {
  if (kind == Kind::fatal || kind == Kind::refused) throw standpipe::fatal(text);
  throw standpipe::disconnected(text);
}

Trouble trouble_of(const Reply& reply, JsonReader& reader, const Where& where) {
  if (reply.transport != Reply::Transport::done) return of_transport(reply, where);
  if (reply.status == 200) return {};
  const auto error = reader.read(reply.body);
  const auto code = code_of(error);
  const auto said = printable(code + ": " + message_of(error));
  if (is_busy(reply, code))
    return {Kind::busy, where.url + " answers with status " + std::to_string(reply.status) +
                            (code.empty() ? "" : ", " + said)};
  if (code.empty())
    return {Kind::lost, where.url + " answers with status " + std::to_string(reply.status) +
                            " and no error of SQS; is endpoint_url right?"};
  if (auto trouble = of_credentials(code, said, where)) return trouble;
  if (is_one_of(code, {"QueueDoesNotExist", "NonExistentQueue"}))
    return {Kind::fatal,
            "there is no queue " + where.queue + " in " + where.region + " at " + where.url +
                "; create it, or correct the option queue (or region, or endpoint_url)"};
  if (code == "BatchRequestTooLong") return {Kind::too_long, said};
  if (reply.status == 401 || reply.status == 403 || code.starts_with("AccessDenied"))
    return {Kind::fatal,
            "AWS refuses access to " + where.queue + " (" + said + "); allow it to " +
                where.credentials +
                ": sqs:SendMessage to send; sqs:ReceiveMessage, sqs:DeleteMessage and "
                "sqs:ChangeMessageVisibility to receive",
            true};
  return {Kind::refused, said};
}
