// SPDX-License-Identifier: Apache-2.0
#include "cli/running.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "cli/command.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// A folder of two files, and the configuration that was read from it.
class Disk {
 public:
  Disk() {
    fs::create_directory(folder / "conf.d");
    write("a", "one");
    write("b", "two");
    age(1h);
    read = std::get<Parts>(cli::read_configuration(arguments()));
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder / ("conf.d/" + name + ".yaml")) << text;
  }
  // Of all that is there.
  void age(std::chrono::seconds by) {
    const auto then = fs::file_time_type::clock::now() - by;
    for (const auto& file : fs::directory_iterator(folder / "conf.d"))
      fs::last_write_time(file.path(), then);
    fs::last_write_time(folder / "conf.d", then);
    fs::last_write_time(folder.path(), then);
    then_ = then;
  }
  void as_old_as_before() {
    for (const auto& file : fs::directory_iterator(folder / "conf.d"))
      fs::last_write_time(file.path(), then_);
  }
  bool has_changed() { return disk.has_changed(read, arguments()); }

  test::TemporaryFolder folder;
  Parts read;
  cli::DiskComparison disk;

 private:
  cli::Arguments arguments() const {
    const cli::Command command{.name = "worker",
                               .summary = {},
                               .examples = {},
                               .description = {},
                               .operands = {{.name = "CONFIG", .repeated = true}},
                               .options = {{.name = "place",
                                            .kind = cli::Kind::file,
                                            .value = "PATH",
                                            .repeatable = true}},
                               .run = nullptr};
    const std::vector<std::string> words = {"--place", folder / "conf.d", "conf.d"};
    return cli::Arguments(command, words);
  }
  fs::file_time_type then_;
};

}  // namespace

TEST_CASE("what reads as before has not changed, however new it looks") {
  Disk it;
  CHECK_FALSE(it.has_changed());
  it.write("a", "one");
  CHECK_FALSE(it.has_changed());
}

TEST_CASE("a text that is another one, a file more and a file less are changes") {
  Disk it;
  CHECK_FALSE(it.has_changed());
  SECTION("another text") { it.write("b", "2wo"); }
  SECTION("a file more") { it.write("c", "three"); }
  SECTION("a file less") { fs::remove(it.folder / "conf.d/b.yaml"); }
  CHECK(it.has_changed());
  CHECK(it.has_changed());
}

TEST_CASE("what was changed back has not changed") {
  Disk it;
  it.write("b", "2wo");
  it.age(2h);
  CHECK(it.has_changed());
  it.write("b", "two");
  it.age(3h);
  CHECK_FALSE(it.has_changed());
}

TEST_CASE("files that look as when they were read last are not read again, unless they are young") {
  Disk it;
  CHECK_FALSE(it.has_changed());
  it.write("b", "2wo");
  it.as_old_as_before();
  CHECK_FALSE(it.has_changed());
  it.age(0s);
  CHECK(it.has_changed());
  it.write("b", "two");
  it.as_old_as_before();
  CHECK_FALSE(it.has_changed());
}
