// SPDX-License-Identifier: Apache-2.0
#include "worker/control_watch.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "control/listener.h"
#include "deliver/scripted.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  Fixture() { watch.serve(server); }
  std::string path() const { return folder / "s/control"; }

  test::TemporaryFolder folder;
  test::ManualClock clock;
  test::Quiet reporter;
  keeper::Link link = keeper::Link::none();
  control::Server server{*control::Listener::at(folder / "s/control"), clock,
                         [](std::string_view) { return std::string("here"); }};
  worker::ControlWatch watch{link, reporter};
};

}  // namespace

TEST_CASE("a control socket whose file is there is left alone") {
  Fixture f;
  f.watch.restore_file();
  CHECK(f.reporter.reported.empty());
}

TEST_CASE("a control socket whose file was removed is made again, which is reported") {
  Fixture f;
  std::filesystem::remove(f.path());
  f.watch.restore_file();
  CHECK(std::filesystem::exists(f.path()));
  CHECK(f.reporter.reported == std::vector<std::string>{"the control socket " + f.path() +
                                                        " was removed; it is made again"});
}

TEST_CASE("a control socket that cannot be made again is reported once, until it can") {
  Fixture f;
  std::filesystem::remove(f.path());
  const auto other = control::Listener::at(f.path());  // another hub listens there now
  f.watch.restore_file();
  f.watch.restore_file();
  CHECK(f.reporter.reported.size() == 1);
}

TEST_CASE("a hub without a control socket has nothing to restore") {
  test::Quiet reporter;
  auto link = keeper::Link::none();
  worker::ControlWatch(link, reporter).restore_file();
  CHECK(reporter.reported.empty());
}
