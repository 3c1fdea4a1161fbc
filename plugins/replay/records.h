// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "line.h"

// The records of a log, one after the other, from any of them on. Memory: about the largest record;
// one beyond kRecordBytesMax counts as damaged.
//
// What is damaged: in jsonl, a line that is no record is one, and the next line is the next record.
// In frames nothing says where the next one begins, so a length that cannot be ends the file; and
// so does a record that the file's end truncates.
class Records {
 public:
  static constexpr std::size_t kRecordBytesMax = 64 << 20;

  enum class Format { frames, jsonl };
  enum class Found {
    record,
    damaged,  // `why` says how; the next one comes after it
    end,
    damaged_end  // as damaged, and there is nothing behind it
  };

  Records(std::string path, Format format, bool trust_others);
  // Throws standpipe::disconnected, or fatal if it is no regular file.
  void open(std::uint64_t offset);
  void close();

  // Throws standpipe::disconnected.
  Found next();
  const Record& record() const { return record_; }
  std::string_view why() const { return why_; }
  std::uint64_t begin() const { return begin_; }  // of what was found, in the file
  std::uint64_t end() const { return end_; }
  std::uint64_t size() const { return size_; }  // of the file, when it was opened

 private:
  Found next_frame();
  Found next_line();
  Found line(std::string_view text, bool is_cut);
  Found skip_line();
  Found damaged(std::string_view why, std::uint64_t bytes);
  Found ends_damaged(std::string_view why);
  std::string_view rest() const { return std::string_view(buffer_).substr(used_); }
  void use(std::size_t bytes);
  // false: the file has no more.
  bool read_more();
  bool has(std::size_t bytes);

  std::string path_;
  Format format_;
  bool trust_others_;
  common::Fd fd_;
  std::uint64_t size_ = 0;
  std::string buffer_;      // from the file, of which
  std::size_t used_ = 0;    // this much is behind us
  std::uint64_t read_ = 0;  // up to where the file was read
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::string why_;
  Record record_;
  Lines lines_{kRecordBytesMax};
};
