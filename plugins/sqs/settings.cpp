// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include "body.h"
#include "environment.h"

using Part = common::Template::Part;

namespace {

std::string first_of(std::initializer_list<std::string> texts) {
  for (const auto& text : texts)
    if (!text.empty()) return text;
  return {};
}

// "https://sqs.eu-west-1.amazonaws.com" of ".../123456789012/orders".
std::string origin_of(const std::string& url) {
  const auto host = url.find("://");
  if (host == std::string::npos) return {};
  return url.substr(0, url.find('/', host + 3));
}

// "eu-west-1" of "https://sqs.eu-west-1.amazonaws.com/..."; empty: it is no address of AWS.
std::string region_of(const std::string& url) {
  constexpr std::string_view kService = "://sqs.", kAws = ".amazonaws.com";
  const auto begin = url.find(kService);
  const auto end = url.find(kAws);
  if (begin == std::string::npos || end == std::string::npos || end < begin + kService.size())
    return {};
  return url.substr(begin + kService.size(), end - begin - kService.size());
}

std::string address_in(const std::string& region) {
  return "https://sqs." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "") +
         "/";
}

bool is_url(const std::string& text) { return text.find("://") != std::string::npos; }

void check_url(std::string_view option, const std::string& url) {
  const std::string name(option);
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    throw standpipe::fatal(name + ": it does not begin with https:// or http://");
  // The reason does not begin with the option's name: the hub would show its line.
  if (origin_of(url).find('@') != std::string::npos)
    throw standpipe::fatal("its " + name +
                           " has a user or a password in it, which SQS does not know; use "
                           "access_key_id and secret_access_key");
}

bool is_region(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

Endpoint endpoint_of(const standpipe::Options& options, const std::string& queue_url) {
  Endpoint endpoint;
  endpoint.url = first_of({options.text("endpoint_url"), environment("AWS_ENDPOINT_URL_SQS"),
                           environment("AWS_ENDPOINT_URL"), origin_of(queue_url)});
  endpoint.region = first_of({options.text("region"), region_of(endpoint.url), region_of(queue_url),
                              environment("AWS_REGION"), environment("AWS_DEFAULT_REGION")});
  if (endpoint.region.empty())
    throw standpipe::fatal(
        "region: say in which region of AWS the queue is, as us-east-1, here or by AWS_REGION");
  if (!is_region(endpoint.region))
    throw standpipe::fatal("region: '" + endpoint.region + "' is none; it is like us-east-1");
  if (endpoint.url.empty()) endpoint.url = address_in(endpoint.region);
  check_url("endpoint_url", endpoint.url);
  if (endpoint.url.find('/', endpoint.url.find("://") + 3) == std::string::npos)
    endpoint.url += '/';
  endpoint.ca_file = first_of({options.text("ca_file"), environment("AWS_CA_BUNDLE")});
  return endpoint;
}

Encoding encoding_of(const std::string& name) {
  if (name == "text") return Encoding::text;
  return name == "base64" ? Encoding::base64 : Encoding::automatic;
}

const std::vector<Part> kParts{Part::literal, Part::source, Part::sequence,
                               Part::time,    Part::json,   Part::meta};

common::Template template_of(std::string_view option, const std::string& text) {
  return {text, {option, kParts}};
}

std::optional<common::Template> optional_template(const standpipe::Options& options,
                                                  std::string_view name) {
  if (!options.has(name) || options.text(name).empty()) return std::nullopt;
  return template_of(name, options.text(name));
}

std::size_t count_of(const standpipe::Options& options, std::string_view name) {
  return static_cast<std::size_t>(options.integer(name));
}

}  // namespace

Place::Place(const standpipe::Options& options)
    : queue_url(is_url(options.text("queue")) ? options.text("queue") : ""),
      queue_name(queue_url.empty() ? options.text("queue") : ""),
      account_id(options.text("account_id")),
      credentials{options.text("access_key_id"), options.text("secret_access_key"),
                  options.text("session_token"), "", false},
      profile(options.text("profile")),
      request_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(
          options.duration("request_timeout"))) {
  if (queue().empty())
    throw standpipe::fatal("queue: it is empty; give the queue's URL or its name");
  if (!queue_url.empty()) check_url("queue", queue_url);
  if (!account_id.empty() && queue_name.empty())
    throw standpipe::fatal("account_id: it belongs to the name of a queue; a URL has it already");
  if (credentials.access_key_id.empty() != credentials.secret_access_key.empty())
    throw standpipe::fatal(credentials.access_key_id.empty()
                               ? "access_key_id: it is missing beside secret_access_key"
                               : "secret_access_key: it is missing beside access_key_id");
  if (!credentials.session_token.empty() && credentials.access_key_id.empty())
    throw standpipe::fatal("session_token: it belongs to access_key_id and secret_access_key");
  endpoint = endpoint_of(options, queue_url);
}

SendSettings::SendSettings(const standpipe::Options& options, bool is_fifo)
    : concurrency(count_of(options, "concurrency")),
      max_in_flight(count_of(options, "max_in_flight")),
      batch_max_bytes(options.bytes("batch_max_bytes")),
      message_group_id(optional_template(options, "message_group_id")),
      message_deduplication_id(optional_template(options, "message_deduplication_id")),
      is_deduplicated_by_content(options.has("message_deduplication_id") &&
                                 options.text("message_deduplication_id").empty()),
      sends_metadata(!options.has("metadata") || !options.list("metadata").empty()),
      metadata(options.list("metadata")),
      encoding(encoding_of(options.text("body_encoding"))) {
  if (options.has("delay_seconds")) delay_seconds = options.integer("delay_seconds");
  if (is_fifo && delay_seconds)
    throw standpipe::fatal(
        "delay_seconds: a FIFO queue takes no delay of single messages; set DelaySeconds of the "
        "queue instead");
  if (!is_fifo && message_deduplication_id)
    throw standpipe::fatal(
        "message_deduplication_id: only FIFO queues have it, whose names end in .fifo");
  if (is_fifo && !message_group_id) message_group_id = template_of("message_group_id", "{source}");
  for (const auto& [name, text] : options.map("message_attributes")) {
    if (!is_attribute_name(name))
      throw standpipe::fatal("message_attributes: '" + name +
                             "' is no name of an attribute: it has letters, digits, '_', '-' and "
                             "single dots inside, and begins with neither AWS. nor Amazon.");
    message_attributes.emplace_back(name, template_of("message_attributes", text));
  }
  if (message_attributes.size() > 9)
    throw standpipe::fatal(
        "message_attributes: SQS takes 10 attributes a message, and one may be needed to say that "
        "a body is base64, so at most 9 can be set here");
}

ReceiveSettings::ReceiveSettings(const standpipe::Options& options)
    : receivers(count_of(options, "receivers")),
      max_number_of_messages(options.integer("max_number_of_messages")),
      wait_time(options.integer("wait_time_seconds")),
      max_in_flight(count_of(options, "max_in_flight")),
      encoding(encoding_of(options.text("body_encoding"))) {
  if (options.has("visibility_timeout"))
    visibility_timeout =
        std::chrono::duration_cast<std::chrono::seconds>(options.duration("visibility_timeout"));
}

namespace {

constexpr const char* kDocumentation =
    "The handler sends messages to a queue, ten a request and several requests at a time. A\n"
    "message counts as delivered when SQS has confirmed it, one by one of a batch; what SQS\n"
    "refuses is dead-lettered with SQS's reason. While SQS is away, is too busy or does not\n"
    "answer, messages wait and no attempt is counted.\n"
    "\n"
    "The source fetches messages by long polling and deletes each one when all handlers have\n"
    "it. While they need longer than the visibility timeout, it is extended, so no other\n"
    "consumer gets the message meanwhile.\n"
    "\n"
    "Both are at least once: a message may come twice after a death, a lost reply or an\n"
    "outage. FIFO queues (their names end in .fifo) drop repeats that are sent within five\n"
    "minutes, and keep the order of each group.\n"
    "\n"
    "Credentials are those of the options, else of the environment (AWS_ACCESS_KEY_ID,\n"
    "AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else of a profile in ~/.aws/credentials. Roles\n"
    "of machines and containers are not asked for.\n"
    "\n"
    "A payload that SQS does not take as text (binary, empty, or with control characters) is\n"
    "sent as base64, with the attribute encoding=base64; the source turns it back.";

void describe_queue(standpipe::Description& d) {
  d.option("queue")
      .text()
      .required()
      .example("https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
      .summary("its URL, or its name alone");
  d.option("account_id")
      .text()
      .example("123456789012")
      .summary("with a name: the account that the queue belongs to, if that is another one");
  d.option("region")
      .text()
      .example("eu-west-1")
      .summary("default: what the URLs say, else AWS_REGION, else AWS_DEFAULT_REGION");
  d.option("endpoint_url")
      .url()
      .example("http://127.0.0.1:9324")
      .summary("where requests go; default: AWS_ENDPOINT_URL_SQS, else what queue or region says");
}

void describe_credentials(standpipe::Description& d) {
  d.option("access_key_id").secret().summary("default: AWS_ACCESS_KEY_ID, else the profile's");
  d.option("secret_access_key").secret().summary("the key that belongs to access_key_id");
  d.option("session_token").secret().summary("of temporary credentials");
  d.option("profile")
      .text()
      .example("production")
      .summary(
          "of ~/.aws/credentials, whatever the environment says; default: AWS_PROFILE, else "
          "default");
}

void describe_requests(standpipe::Description& d) {
  d.option("ca_file").path().summary(
      "certificates that are trusted instead of the system's; default: AWS_CA_BUNDLE");
  d.option("request_timeout")
      .duration()
      .fallback("10s")
      .minimum("100ms")
      .maximum("5m")
      .summary("for how long a request may take; a long poll that much beyond wait_time_seconds");
  d.option("max_in_flight")
      .integer()
      .fallback("2000")
      .minimum("1")
      .maximum("100000")
      .unit("messages")
      .summary("handler: sent or about to be, and not confirmed; source: received and not deleted");
  d.option("body_encoding")
      .one_of({"auto", "text", "base64"})
      .fallback("auto")
      .summary("auto: base64 only where it must be; the source decodes it except with text");
}

void describe_sending(standpipe::Description& d) {
  d.option("concurrency")
      .of_handler()
      .integer()
      .fallback("8")
      .minimum("1")
      .maximum("64")
      .unit("requests")
      .summary("handler: requests at a time");
  d.option("batch_max_bytes")
      .of_handler()
      .bytes()
      .fallback("1MiB")
      .minimum("1KiB")
      .maximum("1MiB")
      .summary("handler: of all bodies and attributes in a request");
  d.option("message_group_id")
      .of_handler()
      .text()
      .example("{json:/customer}")
      .summary("handler: a template; default of FIFO queues: {source}");
  d.option("message_deduplication_id")
      .of_handler()
      .text()
      .example("{json:/id}")
      .summary(
          "handler, FIFO queues: a template; empty: by the body; default: source:sequence:time");
  d.option("delay_seconds")
      .of_handler()
      .integer()
      .minimum("0")
      .maximum("900")
      .unit("seconds")
      .summary("handler: before consumers may see a message; default: the queue's");
  d.option("metadata")
      .of_handler()
      .list()
      .example("[key, tenant]")
      .summary("handler: names of metadata that become attributes; default: all, []: none");
  d.option("message_attributes")
      .of_handler()
      .map()
      .example("{kind: \"{json:/kind|none}\"}")
      .summary("handler: further attributes, as templates");
}

void describe_receiving(standpipe::Description& d) {
  d.option("receivers")
      .of_source()
      .integer()
      .fallback("1")
      .minimum("1")
      .maximum("32")
      .unit("requests")
      .summary("source: long polls at a time");
  d.option("max_number_of_messages")
      .of_source()
      .integer()
      .fallback("10")
      .minimum("1")
      .maximum("10")
      .unit("messages")
      .summary("source: in one request");
  d.option("wait_time_seconds")
      .of_source()
      .integer()
      .fallback("20")
      .minimum("0")
      .maximum("20")
      .unit("seconds")
      .summary("source: how long SQS waits for a message before it answers with none");
  d.option("visibility_timeout")
      .of_source()
      .duration()
      .minimum("2s")
      .maximum("12h")
      .summary(
          "source: for how long others do not see a message, extended as long as needed; default: "
          "the queue's");
}

}  // namespace

void describe(standpipe::Description& d) {
  d.name("sqs").version("1.0").summary("Amazon SQS, into the hub and out of it").own_process();
  d.settles_later();
  d.documentation(kDocumentation);
  describe_queue(d);
  describe_credentials(d);
  describe_requests(d);
  describe_sending(d);
  describe_receiving(d);
}
