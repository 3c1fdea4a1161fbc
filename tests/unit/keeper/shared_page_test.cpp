// SPDX-License-Identifier: Apache-2.0
#include "keeper/shared_page.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "base/failure.h"
#include "base/fd.h"
#include "state/shared_header.h"

using namespace standpipe;
using keeper::SharedPage;

namespace {

constexpr std::uint64_t kWatchesOffset = 4096 + 64;  // not at a page's beginning
constexpr std::uint64_t kBytes = 16384;

// A worker's memory, as far as its keeper knows it, with two handlers' watches.
class Memory {
 public:
  Memory() {
    header.magic = state::kMemoryMagic;
    header.version = state::kMemoryVersion;
    header.header_bytes = sizeof header;
    header.bytes = kBytes;
    header.watches_offset = kWatchesOffset;
    header.watches = 2;
    REQUIRE(::ftruncate(fd.get(), kBytes) == 0);
    write();
  }
  void write() const { REQUIRE(::pwrite(fd.get(), &header, sizeof header, 0) == sizeof header); }
  state::SharedHeader read() const {
    state::SharedHeader now;
    REQUIRE(::pread(fd.get(), &now, sizeof now, 0) == sizeof now);
    return now;
  }
  // Why it is refused; empty: it is not.
  std::string refusal() const {
    try {
      const SharedPage page(fd.get());
      return {};
    } catch (const Failure& failure) {
      return failure.what();
    }
  }

  Fd fd{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  state::SharedHeader header;
};

// The same, with something wrong in its header.
std::string refusal_with(const std::function<void(state::SharedHeader&)>& wrong) {
  Memory memory;
  wrong(memory.header);
  memory.write();
  return memory.refusal();
}

}  // namespace

TEST_CASE("progress is the worker's, and deaths are counted for it") {
  Memory memory;
  memory.header.progress = 7;
  memory.write();
  SharedPage page(memory.fd.get());
  CHECK(page.bytes() == kBytes);
  CHECK(page.progress() == 7);
  memory.header.progress = 8;
  memory.write();
  CHECK(page.progress() == 8);
  page.count_death(9);
  page.count_death(11);
  CHECK(memory.read().deaths == 2);
  CHECK(memory.read().last_status == 11);
}

TEST_CASE("handlers' watches are where the header says, and both sides see them") {
  const Memory memory;
  const SharedPage page(memory.fd.get());
  REQUIRE(page.watches().size() == 2);
  const std::uint64_t call = 5;
  REQUIRE(::pwrite(memory.fd.get(), &call, sizeof call,
                   static_cast<off_t>(kWatchesOffset + sizeof(state::Watch))) == sizeof call);
  CHECK(page.watches()[0].call == 0);
  CHECK(page.watches()[1].call == 5);
}

TEST_CASE("what a worker gone wild writes over the sizes later changes nothing") {
  Memory memory;
  const SharedPage page(memory.fd.get());
  memory.header.bytes = memory.header.watches = memory.header.watches_offset = ~std::uint64_t{0};
  memory.write();
  CHECK(page.bytes() == kBytes);
  CHECK(page.watches().size() == 2);
}

TEST_CASE("a worker cannot cut the file, which would kill the keeper as well") {
  const Memory memory;
  CHECK(memory.refusal().empty());
  CHECK(::ftruncate(memory.fd.get(), 100) != 0);
}

TEST_CASE("a memory without handlers is one") {
  CHECK(refusal_with([](auto& header) { header.watches = 0; }).empty());
}

TEST_CASE("what is no memory is refused, and why") {
  const std::string no = "this is not the memory of a worker: ";
  const Fd empty(::memfd_create("test", MFD_CLOEXEC));
  CHECK_THROWS_WITH(SharedPage(empty.get()), no + "it is too small");
  CHECK(refusal_with([](auto& h) { ++h.magic; }) == no + "its first bytes are others");
  CHECK(refusal_with([](auto& h) { ++h.version; }) == no + "it is of another version");
  CHECK(refusal_with([](auto& h) { ++h.header_bytes; }) == no + "it is of another version");
  CHECK(refusal_with([](auto& h) { h.bytes = kBytes + 1; }) == no + "it was cut");
  CHECK(refusal_with([](auto& h) { h.watches = 65'537; }) == no + "it has too many handlers");
  const auto outside = no + "handlers' calls lie outside of it";
  CHECK(refusal_with([](auto& h) { ++h.watches_offset; }) == outside);
  CHECK(refusal_with([](auto& h) { h.watches_offset = kBytes + 64; }) == outside);
  CHECK(refusal_with([](auto& h) { h.watches_offset = kBytes - 64; }) == outside);
  CHECK(refusal_with([](auto& h) { h.watches_offset = ~std::uint64_t{63}; }) == outside);
}
