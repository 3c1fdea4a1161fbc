// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <standpipe/open.hpp>

#include <catch2/catch.hpp>

#include "temporary_folder.h"

using namespace standpipe;
using paths::Entry;
using paths::Rules;
using paths::User;

namespace {

constexpr uid_t kOther = 2222;  // nobody of that number needs to exist

// Whoever runs the test, as an ordinary user and as root of the whole machine.
User ordinary() { return {::geteuid(), false, {}}; }
User root() { return {::geteuid(), true, {}}; }

struct stat made(uid_t owner, mode_t mode, nlink_t names = 1) {
  struct stat status {};
  status.st_uid = owner;
  status.st_gid = owner;
  status.st_mode = mode;
  status.st_nlink = names;
  return status;
}

void write_file(const std::string& path, std::string_view text) {
  auto file = paths::open_or_create(path, O_WRONLY | O_TRUNC, 0600);
  REQUIRE(file);
  REQUIRE(::write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string content(int fd) {
  char text[64];
  const auto n = ::pread(fd, text, sizeof text, 0);
  return std::string(text, n > 0 ? static_cast<std::size_t>(n) : 0);
}

// Where the path leads, or the sentence that says why it leads nowhere.
std::string outcome(const std::string& path, const Rules& rules = {},
                    const User& user = ordinary()) {
  const Entry entry(path, rules, user);
  return entry ? entry.path() : entry.problem().text;
}

const mode_t kFolder = S_IFDIR | 0755;
const mode_t kShared = S_IFDIR | 01777;
const mode_t kOpen = S_IFDIR | 0777;

}  // namespace

TEST_CASE("an ordinary path: found, opened, made, emptied") {
  const test::TemporaryFolder folder;
  const Entry missing(folder / "a");
  REQUIRE(missing);
  CHECK_FALSE(missing.exists());
  write_file(folder / "a", "first");
  auto opened = paths::open_existing(folder / "a", O_RDONLY);
  REQUIRE(opened);
  CHECK(content(opened.fd()) == "first");
  write_file(folder / "a", "2");
  CHECK(content(opened.fd()) == "2");
  CHECK(Entry(folder / "a").create(O_WRONLY, 0600).problem().error == EEXIST);
  CHECK(paths::open_existing(folder / "b", O_RDONLY).problem().error == ENOENT);
}

TEST_CASE("dots, slashes and a relative path lead where the kernel would go") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkdir((folder / "sub").c_str(), 0700) == 0);
  CHECK(outcome(folder / "sub/.././/sub/x") == folder / "sub/x");
  CHECK(Entry(folder / "sub/").status().st_ino == Entry(folder / "sub").status().st_ino);
  CHECK(Entry("/").exists());
  CHECK(Entry("/..").path() == "/");
  char before[4096];
  REQUIRE(::getcwd(before, sizeof before));
  REQUIRE(::chdir((folder / "sub").c_str()) == 0);
  CHECK(outcome("x") == "x");
  CHECK(outcome("../../x") == "../../x");
  CHECK(outcome("../sub/x") == "../sub/x");
  write_file("../y", "here");
  REQUIRE(::chdir(before) == 0);
  CHECK(paths::open_existing(folder / "y", O_RDONLY));
}

TEST_CASE("links of one's own lead on, and the real place is known") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkdir((folder / "disk").c_str(), 0700) == 0);
  REQUIRE(::symlink("disk", (folder / "way").c_str()) == 0);
  REQUIRE(::symlink((folder / "way/real.log").c_str(), (folder / "log").c_str()) == 0);
  const Entry entry(folder / "log");
  REQUIRE(entry);
  CHECK(entry.path() == folder / "disk/real.log");
  CHECK(entry.name() == "real.log");
  CHECK(entry.followed());
  CHECK_FALSE(Entry(folder / "way/real.log").followed());
  Rules strict;
  strict.follow_last = false;
  CHECK(outcome(folder / "log", strict) ==
        (folder / "log") + " is a symbolic link, where none may be");
}

TEST_CASE("links in a circle end") {
  const test::TemporaryFolder folder;
  REQUIRE(::symlink("b", (folder / "a").c_str()) == 0);
  REQUIRE(::symlink("a", (folder / "b").c_str()) == 0);
  CHECK(Entry(folder / "a").problem().error == ELOOP);
  CHECK(Entry(folder / "a/x").problem().error == ELOOP);
}

TEST_CASE("what is wrong with a path is said of the part that is to blame") {
  const test::TemporaryFolder folder;
  CHECK(outcome(folder / "no/x") ==
        "cannot open " + (folder / "no/x") + ": the folder " + (folder / "no") + " does not exist");
  write_file(folder / "file", "");
  CHECK(outcome(folder / "file/x") ==
        "cannot open " + (folder / "file/x") + ": " + (folder / "file") + " is not a folder");
  CHECK(Entry("").problem().error == ENOENT);
}

TEST_CASE("missing folders are made when that was asked for, with their mode") {
  const test::TemporaryFolder folder;
  Rules rules;
  rules.make_folders = 0700;
  CHECK(outcome(folder / "a/b/c", rules) == folder / "a/b/c");
  CHECK((Entry(folder / "a/b").status().st_mode & 07777) == 0700);
  CHECK_FALSE(Entry(folder / "a/b/c").exists());
}

TEST_CASE("a FIFO never makes its opener wait") {
  const test::TemporaryFolder folder;
  REQUIRE(Entry(folder / "fifo").make_fifo(0600) == 0);
  CHECK(paths::open_existing(folder / "fifo", O_WRONLY).problem().error == ENXIO);
  CHECK(paths::open_existing(folder / "fifo", O_RDONLY));
}

TEST_CASE("what was replaced between look and opening is not opened") {
  const test::TemporaryFolder folder;
  write_file(folder / "a", "looked at");
  write_file(folder / "b", "another");
  const Entry entry(folder / "a");
  REQUIRE(entry.rename("b", "a") == 0);
  const auto opened = entry.open(O_RDWR | O_TRUNC);
  CHECK(opened.problem().error == ESTALE);
  CHECK(content(paths::open_existing(folder / "a", O_RDONLY).fd()) == "another");
}

TEST_CASE("a link that is put in the place of a file is not followed any more") {
  const test::TemporaryFolder folder;
  write_file(folder / "a", "");
  write_file(folder / "victim", "precious");
  const Entry existing(folder / "a"), missing(folder / "new");
  REQUIRE(::unlink((folder / "a").c_str()) == 0);
  for (const char* name : {"a", "new"}) REQUIRE(::symlink("victim", (folder / name).c_str()) == 0);
  CHECK_FALSE(existing.open(O_WRONLY | O_TRUNC));
  CHECK(missing.create(O_WRONLY | O_TRUNC, 0600).problem().error == EEXIST);
  CHECK(content(paths::open_existing(folder / "victim", O_RDONLY).fd()) == "precious");
}

TEST_CASE("links of /proc have no text to follow, and are opened all the same") {
  const test::TemporaryFolder folder;
  write_file(folder / "a", "mine");
  const auto file = paths::open_existing(folder / "a", O_RDONLY);
  const auto opened = paths::open_existing("/proc/self/fd/" + std::to_string(file.fd()), O_RDONLY);
  REQUIRE(opened);
  CHECK(content(opened.fd()) == "mine");
}

// ---- the rules, on what they look at

TEST_CASE("whose folder root enters") {
  using paths::detail::folder_fault;
  const User user{0, true, {}};
  CHECK(folder_fault(made(0, kFolder), user).empty());
  CHECK(folder_fault(made(0, kShared), user).empty());
  CHECK(folder_fault(made(0, S_IFDIR | 0775), user).empty());
  CHECK(folder_fault(made(kOther, kFolder), user) ==
        "belongs to user 2222, who can replace what is in it");
  CHECK(folder_fault(made(0, kOpen), user) ==
        "may be written to by everybody, who can replace what is in it");
  CHECK(folder_fault(made(kOther, kFolder), {0, true, kOther}).empty());  // who became root by sudo
  CHECK(folder_fault(made(kOther, kFolder), {0, false, {}})
            .empty());  // root of a small user namespace
  CHECK(folder_fault(made(kOther, kOpen), {1000, false, {}}).empty());
}

TEST_CASE("whose links are followed") {
  using paths::detail::link_fault;
  const User user{1000, false, {}}, root{0, true, {}};
  const auto link = [](uid_t owner) { return made(owner, S_IFLNK | 0777); };
  CHECK(link_fault(made(0, kShared), link(1000), true, user).empty());
  CHECK(link_fault(made(0, kShared), link(0), true, user).empty());
  CHECK(link_fault(made(0, kShared), link(kOther), true, user) ==
        "is a symbolic link made by user 2222, not by you");
  CHECK_FALSE(link_fault(made(0, kShared), link(kOther), false, user).empty());
  CHECK(link_fault(made(kOther, kFolder), link(kOther), false, user)
            .empty());  // a release's `current`, of who deploys it
  CHECK_FALSE(link_fault(made(kOther, kFolder), link(kOther), true, user).empty());
  CHECK_FALSE(link_fault(made(kOther, kFolder), link(kOther), false, root).empty());
  CHECK_FALSE(link_fault(made(0, kFolder), link(kOther), true, root).empty());
}

TEST_CASE("whose files and FIFOs are used where others may write") {
  using paths::detail::entry_fault;
  const User user{1000, false, {}}, root{0, true, {}};
  const auto fifo = made(kOther, S_IFIFO | 0666);
  CHECK(entry_fault(made(0, kShared), fifo, {}, user) ==
        "belongs to user 2222, in a folder that anyone may write to");
  CHECK(entry_fault(made(0, kShared), fifo, {}, root) ==
        "belongs to user 2222, in a folder that anyone may write to");
  CHECK(entry_fault(made(kOther, S_IFDIR | 0775), fifo, {}, root) ==
        "belongs to user 2222, in a folder that a group may write to");
  CHECK(
      entry_fault(made(0, kFolder), fifo, {}, root).empty());  // root put it there, or gave it away
  CHECK(entry_fault(made(kOther, kFolder), fifo, {}, user).empty());
  Rules asked;
  asked.owner = kOther;
  CHECK(entry_fault(made(0, kShared), fifo, asked, root).empty());
  CHECK(entry_fault(made(0, kShared), made(1000, S_IFREG | 0600), {}, user).empty());
}

TEST_CASE("a file with a second name, where others could have given it") {
  using paths::detail::entry_fault;
  const User root{0, true, {}}, user{1000, false, {}};
  const auto twice = made(0, S_IFREG | 0600, 2);
  CHECK_FALSE(entry_fault(made(0, kShared), twice, {}, root).empty());
  CHECK_FALSE(entry_fault(made(kOther, kFolder), twice, {}, user).empty());
  CHECK(entry_fault(made(0, kFolder), twice, {}, root).empty());
}

// ---- the rules, on the way

TEST_CASE("root does not follow, write into or make what others can replace; trust lifts it") {
  if (::geteuid() != 0) {
    WARN("only root can make what others planted: skipped");
    return;
  }
  const test::TemporaryFolder folder;
  const auto give = [&](const char* name) {
    REQUIRE(::lchown((folder / name).c_str(), kOther, kOther) == 0);
  };
  for (const char* name : {"shared", "theirs"})
    REQUIRE(::mkdir((folder / name).c_str(), 0755) == 0);
  REQUIRE(::chmod((folder / "shared").c_str(), 01777) == 0);
  give("theirs");
  write_file(folder / "victim", "precious");
  REQUIRE(::symlink((folder / "victim").c_str(), (folder / "shared/link").c_str()) == 0);
  give("shared/link");
  write_file(folder / "shared/file", "");
  give("shared/file");
  REQUIRE(::link((folder / "victim").c_str(), (folder / "shared/second").c_str()) == 0);

  const auto refused = [&](const char* name, const std::string& why) {
    CHECK(outcome(folder / name, {}, root()).find(why) != std::string::npos);
    Rules trusting;
    trusting.trust_others = true;
    CHECK(Entry(folder / name, trusting, root()));
  };
  refused("shared/link", "is a symbolic link made by user 2222");
  refused("shared/file", "belongs to user 2222");
  refused("shared/second", "has a second name");
  refused("theirs/new", "theirs belongs to user 2222, who can replace what is in it");
  CHECK(Entry(folder / "shared/new", {}, root()));
  Rules with_remedy;
  with_remedy.exception = "set trust: others";
  CHECK(Entry(folder / "theirs/new", with_remedy, root()).problem().help ==
        "use a folder that only you may write to, or set trust: others");
}
