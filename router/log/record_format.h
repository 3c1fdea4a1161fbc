// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/limits.h"

// The bytes of a disk log, as FORMAT.md describes them: numbers that those who write and those who
// read share. A file of version 1 or 2 is called plain: its records stand one after the other. From
// version 3 on they are in batches.
namespace standpipe::log {

constexpr std::string_view kMagic =
    "stdplog\n";  // the newline shows what a transfer as text did to it
constexpr std::uint32_t kFirstVersion = 1;
constexpr std::uint32_t kFieldsVersion = 2;  // the first that has records with fields
constexpr std::uint32_t kBatchVersion = 3;   // the first that has batches
constexpr std::uint32_t kNewestVersion = kBatchVersion;

constexpr std::uint32_t kHasFields = std::uint32_t{1} << 31;  // in the length of meta
constexpr std::size_t kFieldsLengthBytes = 4;
// The largest message and what is said of it.
constexpr std::size_t kRecordBytesMax = 1 * GiB + 1 * MiB;
constexpr std::size_t kRecordMetaBytesMax = 64 * KiB;

// With batches.
constexpr std::size_t kFileHeaderBytes = 32;
constexpr std::uint32_t kBatchMark = 0xe2b474f5;  // no text, and no small number
constexpr std::size_t kBatchHeadBytes = 24;
constexpr std::size_t kHeadBytes = 16;  // of a record

// Plain.
constexpr std::size_t kPlainHeaderBytes = 16;
constexpr std::size_t kPlainHeadBytes = 12;
constexpr std::size_t kPlainHeadBytesUnchecked = 8;  // length and checksum

}  // namespace standpipe::log
