// SPDX-License-Identifier: Apache-2.0
#include "deliver/made_messages.h"

#include <standpipe/wire.h>

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "log/meta_block.h"

namespace standpipe::deliver {
namespace {

constexpr auto kUseOfMade = "the messages of a plugin";

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

std::string_view view(standpipe_string s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}

void append_field(std::vector<std::byte>& to, std::string_view name, std::string_view value) {
  const auto name_bytes = static_cast<std::uint16_t>(name.size());
  const std::uint16_t reserved = 0;
  const auto value_bytes = static_cast<std::uint32_t>(value.size());
  const auto at = to.size();
  to.resize(at + log::kFieldHeadBytes + name.size() + value.size());
  auto* out = to.data() + at;
  std::memcpy(out, &name_bytes, 2);
  std::memcpy(out + 2, &reserved, 2);
  std::memcpy(out + 4, &value_bytes, 4);
  std::memcpy(out + 8, name.data(), name.size());
  std::memcpy(out + 8 + name.size(), value.data(), value.size());
}

}  // namespace

std::uint64_t MakeCredit::bytes_max_for(std::uint64_t message_size_max) {
  return message_size_max + log::kFieldsBytesMax + kSegmentBytes / 2;
}

// ---- the region

std::uint64_t MadeRegion::file_bytes(std::uint64_t message_size_max) {
  // Records are a little larger than what their messages cost of the credit.
  const auto largest = padded(MakeCredit::bytes_max_for(message_size_max)) +
                       MessageMaker::kMessagesMax * (sizeof(Record) + 8);
  return (kHeaderBytes + std::max<std::uint64_t>(largest, kKeptBytes) + 4095) / 4096 * 4096;
}

MadeRegion::MadeRegion(std::uint64_t message_size_max)
    : memory_("standpipe: made", file_bytes(message_size_max), kUseOfMade) {}

MadeRegion::MadeRegion(Fd file)
    : memory_(std::move(file), kHeaderBytes, ~std::uint64_t{0}, kUseOfMade) {}

void MadeRegion::clear() {
  auto& h = header();
  const std::uint64_t used = std::min<std::uint64_t>(h.used, records().size());
  h.count = h.has_resume = 0;
  h.used = h.wanted = h.resume_bytes = 0;
  if (used <= kKeptBytes || memory_.fd() < 0) return;
  const auto kept = (kHeaderBytes + kKeptBytes) / 4096 * 4096;
  (void)::fallocate(memory_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(kept), static_cast<off_t>(memory_.bytes() - kept));
}

std::uint32_t MadeRegion::count() const { return header().count; }

std::uint64_t MadeRegion::wanted() const { return header().wanted; }

std::optional<std::vector<MadeMessage>> MadeRegion::messages(std::vector<std::byte>* copy) const {
  const std::uint32_t count = header().count;
  if (count > MessageMaker::kMessagesMax) return std::nullopt;
  std::vector<MadeMessage> all;
  all.reserve(count);
  std::span<const std::byte> rest = records();
  if (copy) {
    const std::uint64_t used = header().used;
    if (used > rest.size()) return std::nullopt;
    copy->assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(used));
    rest = *copy;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Record record;
    if (rest.size() < sizeof record) return std::nullopt;
    std::memcpy(&record, rest.data(), sizeof record);
    rest = rest.subspan(sizeof record);
    if (record.fields_bytes > rest.size() ||
        record.payload_bytes > rest.size() - record.fields_bytes)
      return std::nullopt;
    const auto fields = rest.subspan(record.payload_bytes, record.fields_bytes);
    if (!fields.empty() && !log::are_fields(fields)) return std::nullopt;
    all.push_back({record.of, rest.first(record.payload_bytes), fields});
    rest = rest.subspan(
        std::min<std::uint64_t>(padded(record.payload_bytes + record.fields_bytes), rest.size()));
  }
  return all;
}

std::optional<std::string> MadeRegion::resume() const {
  const auto& h = header();
  if (h.has_resume == 0) return std::nullopt;
  const volatile std::uint64_t& shared = h.resume_bytes;  // read once: it may change at any time
  const std::uint64_t bytes = shared;
  return std::string(h.resume, std::min<std::uint64_t>(bytes, sizeof h.resume));
}

// ---- in the plugin's place

std::uint64_t MessageMaker::cost_of(std::uint64_t payload_bytes, std::uint64_t fields_bytes) {
  return STANDPIPE_WIRE_HEADER_BYTES + payload_bytes + fields_bytes + sizeof(std::uint32_t);
}

void MessageMaker::begin(const MakeCredit& credit, const standpipe_batch* batch) {
  credit_ = credit;
  credit_.messages = std::min(credit.messages, kMessagesMax);
  batch_ = batch;
  cost_ = kBlockHeadBytes;
  is_of_one_ = true;
  caller_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

// Metadata of the message that another is made of.
std::span<const standpipe_pair> MessageMaker::inherited(std::uint32_t of) const {
  if (!batch_ || of >= batch_->count ||
      !STANDPIPE_STRIDE_HAS(batch_->stride, standpipe_message, meta_count))
    return {};
  const auto* at =
      reinterpret_cast<const char*>(batch_->messages) + std::size_t{of} * batch_->stride;
  const auto& message = *reinterpret_cast<const standpipe_message*>(at);
  return {message.meta, message.meta_count};
}

// Its own ones come after what it inherits, and each of them replaces that of its name. What is
// inherited is left out where there is no room for it. false: its own are too many or too large.
bool MessageMaker::gather_fields(std::uint32_t of, const standpipe_out& message) {
  fields_.clear();
  const std::span own(message.meta, message.meta_count);
  if (own.size() > log::kMetaPairsMax) return false;
  std::uint64_t bytes = 0;
  for (const auto& pair : own) {
    const bool is_named = pair.name.size >= 1 && pair.name.size <= log::kMetaNameBytesMax;
    if (!is_named || pair.value.size > log::kMetaBytesMax) return false;
    bytes += pair.name.size + pair.value.size;
  }
  if (bytes > log::kMetaBytesMax) return false;
  auto pairs = own.size();
  for (const auto& pair : inherited(of)) {
    const auto name = view(pair.name);
    const bool is_replaced = std::any_of(
        own.begin(), own.end(), [&](const auto& other) { return view(other.name) == name; });
    const auto more = pair.name.size + pair.value.size;
    if (is_replaced || pairs == log::kMetaPairsMax || bytes + more > log::kMetaBytesMax) continue;
    append_field(fields_, name, view(pair.value));
    bytes += more;
    ++pairs;
  }
  for (const auto& pair : own) append_field(fields_, view(pair.name), view(pair.value));
  return true;
}

std::uint32_t MessageMaker::take(std::uint32_t of, const standpipe_out& message) {
  if (!is_in_call()) return STANDPIPE_PUT_FULL;
  const bool is_none = of == STANDPIPE_OF_NONE;
  if (!is_none && (!batch_ || of >= batch_->count)) return STANDPIPE_PUT_TOO_LARGE;
  if (message.bytes > credit_.message_size_max || !gather_fields(of, message))
    return STANDPIPE_PUT_TOO_LARGE;
  auto& header = region_.header();
  const auto cost = cost_of(message.bytes, fields_.size());
  const auto bytes = sizeof(MadeRegion::Record) + padded(message.bytes + fields_.size());
  if (header.count >= credit_.messages || cost_ + cost > credit_.bytes ||
      bytes > region_.records().size() - header.used)
    return full(of, cost);
  if (header.count == 0) first_of_ = of;
  is_of_one_ = is_of_one_ && of == first_of_;
  auto* out = region_.records().data() + header.used;
  const MadeRegion::Record record{message.bytes, of, static_cast<std::uint32_t>(fields_.size())};
  std::memcpy(out, &record, sizeof record);
  out += sizeof record;
  if (message.bytes > 0) std::memcpy(out, message.data, message.bytes);
  if (!fields_.empty()) std::memcpy(out + message.bytes, fields_.data(), fields_.size());
  header.used += bytes;
  ++header.count;
  cost_ += cost;
  return STANDPIPE_PUT_OK;
}

// What all messages of one make finds room in one call, or never does.
std::uint32_t MessageMaker::full(std::uint32_t of, std::uint64_t cost) {
  auto& header = region_.header();
  const bool is_alone =
      header.count == 0 || (is_of_one_ && of == first_of_ && of != STANDPIPE_OF_NONE);
  const bool has_most = header.count >= kMessagesMax || cost_ + cost > credit_.bytes_max ||
                        cost_ + cost <= credit_.bytes;  // the region, which holds the most, is full
  if (is_alone && has_most) return STANDPIPE_PUT_TOO_LARGE;
  header.wanted = is_alone ? cost_ + cost : kBlockHeadBytes + cost;
  return STANDPIPE_PUT_FULL;
}

bool MessageMaker::resume(std::string_view text) {
  auto& header = region_.header();
  if (!is_in_call() || text.size() > sizeof header.resume) return false;
  std::memcpy(header.resume, text.data(), text.size());
  header.resume_bytes = text.size();
  header.has_resume = 1;
  return true;
}

}  // namespace standpipe::deliver
