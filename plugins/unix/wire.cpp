// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

namespace unix_socket {

namespace {

constexpr std::string_view kMagic = "SPUX";
constexpr char kVersion = 1;
constexpr char kFlagMetadata = 1;

}  // namespace

// As a length, the magic is above 1 GiB: a receiver that expects no greeting refuses it.
std::string Greeting::bytes() const {
  std::string out(kGreetingBytes, '\0');
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  out[4] = kVersion;
  out[5] = has_metadata ? kFlagMetadata : 0;
  write_number(out.data() + 8, message_max);
  return out;
}

std::optional<Greeting> Greeting::read(std::string_view bytes) {
  if (bytes.size() != kGreetingBytes || !bytes.starts_with(kMagic) || bytes[4] != kVersion)
    return std::nullopt;
  return Greeting{(bytes[5] & kFlagMetadata) != 0, read_number<std::uint32_t>(bytes.data() + 8)};
}

std::string Answer::bytes(bool is_packet) const {
  const auto why = reason.substr(0, kReasonMax);
  std::string out;
  if (!is_packet) {
    out.resize(sizeof(std::uint32_t));
    write_number(out.data(), static_cast<std::uint32_t>(kAnswerBytesMin + why.size()));
  }
  out += static_cast<char>(kind);
  const auto at = out.size();
  out.resize(at + sizeof sequence);
  write_number(out.data() + at, sequence);
  return out.append(why);
}

std::optional<Answer> Answer::read(std::string_view bytes) {
  if (bytes.size() < kAnswerBytesMin || bytes.size() > kAnswerBytesMax) return std::nullopt;
  const auto kind = static_cast<Kind>(bytes[0]);
  if (kind != Kind::acknowledge && kind != Kind::reject) return std::nullopt;
  return Answer{kind, read_number<std::uint64_t>(bytes.data() + 1), bytes.substr(kAnswerBytesMin)};
}

void append_pair(std::string& out, std::string_view name, std::string_view value) {
  char sizes[8];
  write_number(sizes, static_cast<std::uint32_t>(name.size()));
  write_number(sizes + 4, static_cast<std::uint32_t>(value.size()));
  out.append(sizes, sizeof sizes).append(name).append(value);
}

bool read_pairs(std::string_view bytes, std::vector<standpipe_pair>& pairs) {
  while (!bytes.empty()) {
    if (bytes.size() < 8) return false;
    const std::size_t name = read_number<std::uint32_t>(bytes.data());
    const std::size_t value = read_number<std::uint32_t>(bytes.data() + 4);
    bytes.remove_prefix(8);
    if (name > bytes.size() || value > bytes.size() - name) return false;
    pairs.push_back({{bytes.data(), name}, {bytes.data() + name, value}});
    bytes.remove_prefix(name + value);
  }
  return true;
}

std::optional<Parts> Parts::read(const Wire& wire, std::string_view bytes) {
  Parts parts;
  if (wire.has_acks) {
    if (bytes.size() < sizeof parts.sequence) return std::nullopt;
    parts.sequence = read_number<std::uint64_t>(bytes.data());
    bytes.remove_prefix(sizeof parts.sequence);
  }
  if (wire.has_metadata) {
    if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
    const std::size_t length = read_number<std::uint32_t>(bytes.data());
    bytes.remove_prefix(sizeof(std::uint32_t));
    if (length > bytes.size()) return std::nullopt;
    parts.pairs = bytes.substr(0, length);
    bytes.remove_prefix(length);
  }
  parts.payload = bytes;
  return parts;
}

}  // namespace unix_socket
