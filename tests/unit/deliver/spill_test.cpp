// SPDX-License-Identifier: Apache-2.0
#include "deliver/spill.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/text.h"
#include "failing_disk.h"
#include "metadata.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::SpillReader;
using deliver::SpillWriter;

namespace {

using Texts = std::vector<std::string>;

// Verbs: begin, add, finish, interrupt (a kill: the file stays as it is), all.
class Fixture {
 public:
  void begin(const std::string& source = "orders") {
    writer = std::make_unique<SpillWriter>(folder.path(), source);
  }
  std::string add(std::uint64_t sequence, std::vector<std::string_view> handlers,
                  std::string_view frame) {
    // In two parts, as a frame that lies in two places.
    const auto bytes = std::as_bytes(std::span(frame));
    const std::span<const std::byte> parts[] = {bytes.first(frame.size() / 2),
                                                bytes.subspan(frame.size() / 2)};
    const auto failure = writer->add(sequence, sequence * 10, handlers, parts);
    return failure ? failure->what() : "";
  }
  std::string finish() {
    const auto failure = writer->finish();
    writer.reset();
    return failure ? failure->what() : "";
  }
  void interrupt() {
    const auto name = writer->path() + ".tmp";
    std::filesystem::copy_file(name, name + "copy");
    writer.reset();
    std::filesystem::rename(name + "copy", name);
  }
  void spill(const std::string& source, std::string_view frame) {
    begin(source);
    add(1, {"billing"}, frame);
    CHECK(finish() == "");
  }
  Texts spills(const std::string& source = "orders") const {
    return SpillReader::find(folder.path(), source);
  }
  // "7@70 billing,screen: FRAME" each, and at the end what is damaged.
  static Texts all(const std::string& path) {
    Texts out;
    SpillReader reader(path);
    while (const auto m = reader.next())
      out.push_back(std::to_string(m->sequence) + '@' + std::to_string(m->accepted_ns) + ' ' +
                    joined({m->handlers.begin(), m->handlers.end()}, ",") + ": " +
                    std::string(reinterpret_cast<const char*>(m->frame.data()), m->frame.size()));
    if (!reader.damage().empty()) out.push_back(reader.damage());
    return out;
  }

  test::TemporaryFolder folder;
  std::unique_ptr<SpillWriter> writer;
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "a spill comes back with its frames, and the handlers that still want each") {
  begin();
  add(7, {"billing", "screen", "archive"}, "seven");
  add(8, {"billing"}, "eight");
  add(9, {"billing", "screen", "archive"}, "");
  add(12, {"archive"}, "twelve");
  CHECK(finish() == "");
  REQUIRE(spills().size() == 1);
  CHECK(all(spills()[0]) == Texts{"7@70 billing,screen,archive: seven", "8@80 billing: eight",
                                  "9@90 billing,screen,archive: ", "12@120 archive: twelve"});
}

TEST_CASE_METHOD(Fixture, "a message's metadata comes back with it, and those without have none") {
  const std::string frame = "frame";
  const auto bytes = std::as_bytes(std::span(frame));
  const auto fields = test::fields_of({{"key", "k1"}, {"topic", ""}});
  const std::string_view handlers[] = {"billing"};
  begin();
  CHECK(add(1, {"billing"}, "one") == "");
  CHECK_FALSE(writer->add(2, 20, handlers, {&bytes, 1}, fields));
  CHECK(add(3, {"billing"}, "three") == "");
  CHECK(finish() == "");
  CHECK(all(spills()[0]) ==
        Texts{"1@10 billing: one", "2@20 billing: frame", "3@30 billing: three"});
  SpillReader reader(spills()[0]);
  Texts found;
  while (const auto m = reader.next()) found.push_back(test::fields_text(m->fields));
  CHECK(found == Texts{"", "key=k1 topic=", ""});
}

TEST_CASE_METHOD(Fixture, "metadata that makes no sense is left out, and its message comes") {
  const std::string frame = "frame";
  const auto bytes = std::as_bytes(std::span(frame));
  auto fields = test::fields_of({{"key", "k1"}});
  fields[4] = std::byte{200};  // longer than all there is
  const std::string_view handlers[] = {"billing"};
  begin();
  CHECK_FALSE(writer->add(1, 10, handlers, {&bytes, 1}, fields));
  CHECK(finish() == "");
  SpillReader reader(spills()[0]);
  const auto message = reader.next();
  REQUIRE(message);
  CHECK(message->frame.size() == 5);
  CHECK(message->fields.empty());
  CHECK(reader.damage() == "");
}

TEST_CASE_METHOD(Fixture, "a list of handlers is not written with each message") {
  begin();
  for (std::uint64_t i = 1; i <= 100; ++i)
    add(i, {"a handler with a long name", "another handler with a long name"}, "x");
  CHECK(finish() == "");
  CHECK(std::filesystem::file_size(spills()[0]) < 4200);
  CHECK(all(spills()[0]).size() == 100);
}

TEST_CASE_METHOD(Fixture, "a large frame comes back whole among small ones") {
  const std::string large(5'000'000, 'L');
  begin();
  add(1, {"a"}, "small");
  add(2, {"a"}, large);
  add(3, {"a"}, "small");
  CHECK(finish() == "");
  CHECK((all(spills()[0]) == Texts{"1@10 a: small", "2@20 a: " + large, "3@30 a: small"}));
}

TEST_CASE_METHOD(Fixture, "an interrupted spill is not seen, and the next one takes its place") {
  begin();
  add(1, {"billing"}, std::string(300'000, 'x'));
  interrupt();
  CHECK(spills().empty());
  CHECK(SpillReader::sources(folder.path()).empty());
  spill("orders", "again");
  CHECK(all(spills().at(0)) == Texts{"1@10 billing: again"});
}

TEST_CASE_METHOD(Fixture, "a spill that was not finished leaves nothing") {
  begin();
  add(1, {"billing"}, "x");
  writer.reset();
  CHECK(std::filesystem::is_empty(folder / "spill"));
}

TEST_CASE_METHOD(Fixture, "spills of a source are found in the order they were made, past ten") {
  for (int i = 1; i <= 11; ++i) spill("orders", std::to_string(i));
  CHECK_FALSE(SpillReader(spills()[0]).remove());
  REQUIRE(spills().size() == 10);
  CHECK(all(spills()[0]) == Texts{"1@10 billing: 2"});
  CHECK(all(spills()[9]) == Texts{"1@10 billing: 11"});
}

TEST_CASE_METHOD(Fixture, "all sources that have spills are named, whatever their names") {
  CHECK(SpillReader::sources(folder.path()).empty());
  for (const auto* name : {"orders", "orders-2", "/run/app/a b", "..", "orders"}) spill(name, name);
  std::ofstream(folder / "spill/notes.txt") << "x";
  CHECK(SpillReader::sources(folder.path()) == Texts{"..", "/run/app/a b", "orders", "orders-2"});
  CHECK(spills("orders").size() == 2);
  CHECK(all(spills("orders-2").at(0)) == Texts{"1@10 billing: orders-2"});
}

TEST_CASE_METHOD(Fixture, "a disk without room for a header is reported, and no file is left") {
  {
    const test::FullDisk full(0);
    CHECK_THROWS_WITH(begin(), Catch::Contains("orders-1.log.tmp: File too large"));
  }
  CHECK(std::filesystem::is_empty(folder / "spill"));
}

TEST_CASE_METHOD(Fixture, "a full disk is reported, and nothing is left of the spill") {
  begin();
  {
    const test::FullDisk full(100'000);
    CHECK(add(1, {"billing"}, std::string(200'000, 'x')) ==
          "cannot write " + writer->path() + ".tmp: File too large");
  }
  writer.reset();
  CHECK(std::filesystem::is_empty(folder / "spill"));
}

TEST_CASE_METHOD(Fixture,
                 "a list of handlers that is damaged costs no message while it has a copy") {
  begin();
  add(1, {"first"}, "one");
  add(2, {"first"}, "two");
  CHECK(finish() == "");
  const auto path = spills()[0];
  std::string content(std::filesystem::file_size(path), '\0');
  std::ifstream(path).read(content.data(), static_cast<std::streamsize>(content.size()));
  const auto damage = [&](std::size_t from) {
    content[content.find("first", from)] = 'F';
    std::ofstream(path).write(content.data(), static_cast<std::streamsize>(content.size()));
  };
  damage(0);
  const auto found = all(path);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "1@10 first: one");
  CHECK(found[1] == "2@20 first: two");
  CHECK(found[2].starts_with(path + ": all messages are there, but passed over 1 damaged record"));
  damage(0);
  CHECK(all(path).size() == 1);
  CHECK(all(path)[0].starts_with(path + " lacks 2 messages: "));
}

TEST_CASE_METHOD(Fixture, "a damaged spill serves what is whole, and says how much is not") {
  begin();
  add(1, {"a"}, "one");
  add(2, {"a"}, "two");
  add(3, {"b"}, "three");
  CHECK(finish() == "");
  const auto path = spills()[0];
  std::string content(std::filesystem::file_size(path), '\0');
  std::ifstream(path).read(content.data(), static_cast<std::streamsize>(content.size()));
  content[content.find("two")] = 'T';
  std::ofstream(path).write(content.data(), static_cast<std::streamsize>(content.size()));
  const auto found = all(path);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "1@10 a: one");
  CHECK(found[1] == "3@30 b: three");
  CHECK(found[2].starts_with(path + " lacks 1 message: passed over 1 damaged record ("));
  CHECK(found[2].ends_with(" on) (7 whole records)"));  // with copies of the lists
  std::filesystem::resize_file(path, content.size() - 1);
  CHECK(all(path).back().starts_with(
      path + " has lost its end, and with it an unknown number of messages: "));
}
