// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_selection.h"

namespace standpipe::deliver {
namespace {

constexpr std::size_t kBesidesBytes = 64;  // what a letter takes besides, about

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::vector<LetterSelection::Letter> LetterSelection::next() { return read(true); }

std::vector<LetterSelection::Letter> LetterSelection::next_names() { return read(false); }

std::vector<LetterSelection::Letter> LetterSelection::read(bool with_bytes) {
  std::vector<Letter> letters;
  if (!reader_) reader_.emplace(data_dir_, last_file_);
  std::size_t bytes = 0, looked_at = 0;
  const auto most = with_bytes ? kPieceLetters : SIZE_MAX;
  while (bytes < kPieceBytes && letters.size() < most && looked_at < kLookedAtBytes) {
    const auto letter = reader_->next();
    if (!letter) {
      is_over_ = true;
      break;
    }
    looked_at += letter->payload.size() + letter->fields.size() + kBesidesBytes;
    if (!filter_.has(*letter)) continue;
    const auto identity = letter->identity();
    if (except_.contains(identity)) continue;
    auto& one = letters.emplace_back(Letter{.identity = identity,
                                            .source = std::string(letter->source),
                                            .handler = std::string(letter->handler),
                                            .payload = {},
                                            .fields = {}});
    if (!with_bytes) continue;
    one.payload = text_of(letter->payload);
    one.fields = text_of(letter->fields);
    bytes += one.payload.size() + one.fields.size();
  }
  return letters;
}

}  // namespace standpipe::deliver
