// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "files.h"
#include "full_disk.h"
#include "log_fixture.h"

using kit::FullDisk;

namespace {

std::string json(const std::string& device, int number = 0) {
  return "{\"d\":\"" + device + "\",\"n\":" + std::to_string(number) + "}";
}

// A log of a file a device, in a folder of its own.
struct NamedLog {
  kit::Folder folder;
  kit::Host host;
  std::optional<kit::Handler> log;

  kit::Status try_open(kit::Options options, const std::string& name = "{json:/d|unknown}.log") {
    options.emplace("path", folder / name);
    log.emplace(kit::load("log"), host, options);
    return log->created.ok() ? log->open() : log->created;
  }
  void open(const kit::Options& options, const std::string& name = "{json:/d|unknown}.log") {
    const auto answer = try_open(options, name);
    INFO(answer.reason);
    REQUIRE(answer.ok());
  }
  // All of them, by as many calls as it takes.
  void append(const std::vector<std::string>& payloads) {
    for (std::size_t at = 0; at < payloads.size();) {
      const auto answer =
          log->handle({payloads.begin() + static_cast<std::ptrdiff_t>(at), payloads.end()});
      INFO(answer.reason);
      REQUIRE((answer.all(STANDPIPE_DELIVERED) && answer.settled > 0));
      at += answer.settled;
    }
  }
  // Why one message with this value is rejected.
  std::string rejection(const std::string& payload) {
    const auto answer = log->handle({payload});
    if (answer.outcomes != std::vector<std::uint8_t>{STANDPIPE_REJECT}) return "(not rejected)";
    return answer.reason;
  }
  std::string content(const std::string& name) const { return kit::read_file(folder / name); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
      out.push_back(entry.path().string().substr(folder.path().size() + 1));
    std::sort(out.begin(), out.end());
    return out;
  }
};

// Another program's file of that name.
class HeldFile {
 public:
  explicit HeldFile(const std::string& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    REQUIRE(::flock(fd_, LOCK_EX | LOCK_NB) == 0);
  }
  ~HeldFile() { ::close(fd_); }
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

 private:
  int fd_;
};

using Names = std::vector<std::string>;

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace

TEST_CASE_METHOD(NamedLog, "each message goes into the file that it names, in order") {
  open({});
  append({json("a", 1), json("b", 2), "plain", json("a", 3), R"({"d":7})", R"({"d":null})"});
  CHECK(content("a.log") == json("a", 1) + "\n" + json("a", 3) + "\n");
  CHECK(content("b.log") == json("b", 2) + "\n");
  CHECK(content("7.log") == "{\"d\":7}\n");
  CHECK(content("unknown.log") == "plain\n{\"d\":null}\n");
  CHECK(host.reported.empty());
}

TEST_CASE_METHOD(NamedLog, "jsonl, too, and by the source's name") {
  open({{"format", "jsonl"}}, "{source}.jsonl");
  append({"x"});
  CHECK(content("orders.jsonl") ==
        R"({"source":"orders","sequence":1,"time":"2024-05-01T12:00:00.250Z","size":1,"text":"x"})"
        "\n");
}

TEST_CASE_METHOD(NamedLog,
                 "what a message says never leaves its folder, and is never another's name") {
  open({}, "{json:/d}");
  for (const auto* value : {"a/b", "../../etc/x", "..", ".", ".hidden", "a%2Fb", "nul\\u0000",
                            "tab\\t", "\\u202eright", "z\u00fcrich", "-rf", "a b", "..."})
    append({json(value)});
  CHECK(names() == Names{"%2E", "%2E.", "%2E.%2F..%2Fetc%2Fx", "%2E..", "%2Ehidden",
                         "%E2%80%AEright", "-rf", "a b", "a%252Fb", "a%2Fb", "nul%00", "tab%09",
                         "z\u00fcrich"});
}

TEST_CASE_METHOD(NamedLog, "a message that names nothing is rejected with the reason") {
  open({}, "{json:/d}-{meta:key|none}.log");
  CHECK(rejection("plain") ==
        "it names no file: its payload is no JSON ({json:/d} in path has no default)");
  CHECK(
      rejection("{}") ==
      "it names no file: its payload has nothing for {json:/d} ({json:/d} in path has no default)");
  CHECK(rejection(json("")) == "it names no file: what it has for {json:/d} in path is empty");
  CHECK(rejection(json(std::string(101, 'x'))) ==
        "it names no file: what it has for {json:/d} in path is longer than 100 bytes");
  CHECK(rejection(json(std::string(34, '/'))) ==
        "it names no file: what it has for {json:/d} in path is longer than 100 bytes");
  append({json(std::string(100, 'x'))});
  CHECK(names() == Names{std::string(100, 'x') + "-none.log"});
}

TEST_CASE_METHOD(NamedLog, "a name that is too long for a file is rejected") {
  open({}, std::string(160, 'p') + "{json:/d}");
  CHECK(rejection(json(std::string(91, 'x'))) ==
        "it names no file: the name would be longer than a file's may be");
  append({json(std::string(90, 'x'))});
}

TEST_CASE_METHOD(NamedLog,
                 "rejected messages do not keep others from their files, each with its reason") {
  open({}, "{json:/d}.log");
  const auto first = log->handle({json("a"), "plain", "text", json("b"), "{}", json("c")});
  CHECK(first.settled == 4);  // the reason of {} is another one
  CHECK(first.outcomes == std::vector<std::uint8_t>{STANDPIPE_DELIVERED, STANDPIPE_REJECT,
                                                    STANDPIPE_REJECT, STANDPIPE_DELIVERED});
  CHECK(first.reason.find("no JSON") != std::string::npos);
  const auto second = log->handle({"{}", json("c")});
  CHECK(second.outcomes == std::vector<std::uint8_t>{STANDPIPE_REJECT, STANDPIPE_DELIVERED});
  CHECK(names() == Names{"a.log", "b.log", "c.log"});
}

TEST_CASE_METHOD(NamedLog, "beyond max_files a new name is rejected, and the old ones go on") {
  open({{"max_files", "2"}});
  append({json("a"), json("b")});
  CHECK(rejection(json("c")) ==
        "it asks for one more file than max_files (2): " + folder / "{json:/d|unknown}.log");
  append({json("a"), json("b")});
  log->close();
  REQUIRE(log->open().ok());
  CHECK(rejection(json("c")) != "(not rejected)");  // known since the handler was made
  CHECK(names() == Names{"a.log", "b.log"});
}

TEST_CASE_METHOD(NamedLog,
                 "no more than max_open_files are open, and each gets all of its messages") {
  open({{"max_open_files", "3"}});
  const auto before = open_descriptors();
  std::vector<std::string> all;
  std::map<std::string, std::string> wanted;
  for (int i = 0; i < 400; ++i) {
    const auto device = std::string(1, static_cast<char>('a' + i * 7 % 10));
    all.push_back(json(device, i));
    wanted[device] += all.back() + "\n";
  }
  append(all);
  CHECK(open_descriptors() - before == 3);
  for (const auto& [device, lines] : wanted) CHECK(content(device + ".log") == lines);
  log->close();
  CHECK(open_descriptors() == before);
}

TEST_CASE_METHOD(NamedLog, "the file that was not used for longest is closed") {
  open({{"max_open_files", "2"}});
  append({json("a")});
  append({json("b")});
  append({json("a")});
  append({json("c")});  // closes b
  const auto is_locked = [&](const std::string& name) {
    const int fd = ::open((folder / name).c_str(), O_RDONLY | O_CLOEXEC);
    const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
    ::close(fd);
    return locked;
  };
  CHECK(is_locked("a.log"));
  CHECK_FALSE(is_locked("b.log"));
  CHECK(is_locked("c.log"));
}

TEST_CASE_METHOD(NamedLog, "each file rotates for itself, between messages") {
  open({{"rotate_size", "60B"}, {"keep", "100"}});
  std::vector<std::string> all;
  std::map<std::string, std::string> wanted;
  for (int i = 0; i < 300; ++i) {
    const auto device = std::string(1, static_cast<char>('a' + i % 3));
    all.push_back(json(device, i));
    wanted[device] += all.back() + "\n";
  }
  append(all);
  for (const auto& [device, lines] : wanted) {
    std::string found = content(device + ".log");
    int files = 1;
    for (; std::filesystem::exists(folder / (device + ".log." + std::to_string(files))); ++files) {
      const auto rotated = content(device + ".log." + std::to_string(files));
      CHECK((rotated.size() >= 60 && rotated.size() < 60 + 20));
      found = rotated + found;
    }
    CHECK(files > 20);
    CHECK(found == lines);
  }
  CHECK(host.reported.empty());
}

TEST_CASE_METHOD(NamedLog,
                 "a full disk: in the files is exactly what is settled, and nothing twice") {
  const auto room = GENERATE(1u, 20u, 21u, 100u, 333u, 2000u);
  std::vector<std::string> all;
  for (int i = 0; i < 500; ++i) {
    const auto device = std::string(1, static_cast<char>('a' + (i * i / 3) % 5));
    all.push_back(json(device, i));
  }
  open({});
  kit::Answer answer;
  {
    const FullDisk full(room);
    answer = log->handle(all);
  }
  CHECK(answer.disconnected());
  CHECK(answer.reason.find("File too large") != std::string::npos);
  const auto devices = {"a", "b", "c", "d", "e"};
  const auto check = [&](std::size_t settled) {
    for (const std::string device : devices) {
      std::string lines;
      for (std::size_t i = 0; i < settled; ++i)
        if (all[i].starts_with("{\"d\":\"" + device + "\"")) lines += all[i] + "\n";
      if (!lines.empty() || std::filesystem::exists(folder / (device + ".log")))
        CHECK(content(device + ".log") == lines);
    }
  };
  check(answer.settled);
  log->close();
  REQUIRE(log->open().ok());
  append({all.begin() + static_cast<std::ptrdiff_t>(answer.settled), all.end()});
  check(all.size());
}

TEST_CASE_METHOD(NamedLog, "a full disk behind rejected messages: these keep their reason") {
  open({}, "{json:/d}.log");
  kit::Answer first, second;
  {
    const FullDisk full(30);
    first = log->handle({"plain", json("a", 1), json("a", 2), json("a", 3)});
    second = log->handle({json("a", 3)});
  }
  CHECK((first.ok() && first.settled == 2));
  CHECK(first.reason.find("no JSON") != std::string::npos);
  CHECK(second.disconnected());
  CHECK(content("a.log") == json("a", 1) + "\n");
}

TEST_CASE_METHOD(NamedLog,
                 "a line that a crash truncated is finished before the next message of its file") {
  kit::write_file(folder / "a.log", "whole\ntruncat");
  kit::write_file(folder / "b.log", "other\ntrunc");
  open({});
  append({json("a")});
  CHECK(content("a.log") == "whole\ntruncat\n" + json("a") + "\n");
  CHECK(content("b.log") == "other\ntrunc");
  REQUIRE(host.reported.size() == 1);
  CHECK(host.reported[0].find("a.log: its last line was truncated") != std::string::npos);
}

TEST_CASE_METHOD(NamedLog, "a file that was deleted or moved away is opened anew") {
  open({});
  append({json("a", 1), json("b", 2)});
  std::filesystem::remove(folder / "a.log");
  std::filesystem::rename(folder / "b.log", folder / "moved");
  CHECK(log->reopen().ok());
  append({json("a", 3), json("b", 4)});
  CHECK(content("a.log") == json("a", 3) + "\n");
  CHECK(content("b.log") == json("b", 4) + "\n");
  CHECK(content("moved") == json("b", 2) + "\n");
}

TEST_CASE_METHOD(NamedLog, "where something else has the name, only that message is rejected") {
  std::filesystem::create_directory(folder / "a.log");
  open({});
  CHECK(rejection(json("a")) == folder / "a.log is a folder: give the path of a file");
  append({json("b")});
}

TEST_CASE_METHOD(NamedLog, "where another program has a file, the other files go on") {
  open({});
  {
    const HeldFile held(folder / "b.log");
    const auto first = log->handle({json("a", 1), json("b", 1), json("a", 2), json("c", 1)});
    CHECK(first.outcomes == std::vector<std::uint8_t>{STANDPIPE_DELIVERED, STANDPIPE_RETRY,
                                                      STANDPIPE_DELIVERED, STANDPIPE_DELIVERED});
    CHECK(first.reason.find("another program or handler holds " + folder / "b.log") == 0);
  }
  host.now += 1'000'000'000;
  append({json("b", 1)});
  CHECK(content("a.log") == json("a", 1) + "\n" + json("a", 2) + "\n");
  CHECK(content("b.log") == json("b", 1) + "\n");
  CHECK(content("c.log") == json("c", 1) + "\n");
}

TEST_CASE_METHOD(NamedLog, "each message that a file does not get has its reason") {
  open({});
  const HeldFile b(folder / "b.log"), c(folder / "c.log");
  const auto first = log->handle({json("b", 1), json("b", 2), json("c", 1), json("a", 1)});
  CHECK(first.outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY, STANDPIPE_RETRY});
  CHECK(first.reason.find("b.log") != std::string::npos);
  const auto second = log->handle({json("c", 1), json("a", 1), json("c", 2)});
  CHECK(second.outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY, STANDPIPE_DELIVERED});
  CHECK(second.reason.find("c.log") != std::string::npos);
}

TEST_CASE_METHOD(NamedLog, "what is in a file's way for long has its messages rejected meanwhile") {
  open({});
  {
    const HeldFile held(folder / "b.log");
    CHECK(log->handle({json("b")}).outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY});
    host.now += 1'999'999'999;
    CHECK(log->handle({json("b")}).outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY});
    host.now += 1;
    CHECK(rejection(json("b")).find("another program or handler holds") == 0);
    append({json("a")});
  }
  CHECK(rejection(json("b")) != "(not rejected)");  // it was tried within a second
  host.now += 1'000'000'000;
  append({json("b")});
  const HeldFile again(folder / "c.log");
  CHECK(log->handle({json("c")}).outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY});
}

TEST_CASE_METHOD(NamedLog,
                 "a file that was deleted, with another's in its place, keeps no others") {
  open({});
  append({json("a", 1), json("b", 1)});
  std::filesystem::remove(folder / "b.log");
  const HeldFile held(folder / "b.log");
  const auto answer = log->handle({json("b", 2), json("a", 2)});
  CHECK(answer.outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY, STANDPIPE_DELIVERED});
  CHECK(content("a.log") == json("a", 1) + "\n" + json("a", 2) + "\n");
}

TEST_CASE_METHOD(NamedLog, "a file without permission keeps no others, a folder without does") {
  if (::geteuid() == 0) return;  // root may write everywhere
  kit::write_file(folder / "b.log", "");
  open({});
  std::filesystem::permissions(folder / "b.log", std::filesystem::perms::owner_read);
  const auto first = log->handle({json("b"), json("a")});
  CHECK(first.outcomes == std::vector<std::uint8_t>{STANDPIPE_RETRY, STANDPIPE_DELIVERED});
  using std::filesystem::perms;
  std::filesystem::permissions(folder.path(), perms::owner_read | perms::owner_exec);
  CHECK(log->handle({json("c")}).disconnected());
  append({json("a")});  // it is there
  std::filesystem::permissions(folder.path(), perms::none);
  CHECK(log->handle({json("c")}).disconnected());
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

TEST_CASE_METHOD(NamedLog, "where the folder of all of them is gone, messages wait") {
  open({});
  std::filesystem::remove_all(folder.path());
  const auto answer = log->handle({json("a")});
  CHECK((answer.disconnected() && answer.settled == 0));
  std::filesystem::create_directory(folder.path());
  CHECK(log->open().ok());
  append({json("a")});
}

TEST_CASE_METHOD(NamedLog, "placeholders may be in folders that are made") {
  open({{"create_folders", "true"}}, "{source}/{json:/d|unknown}/x.log");
  append({json("a/b")});
  CHECK(names() == Names{"orders", "orders/a%2Fb", "orders/a%2Fb/x.log"});
}

TEST_CASE_METHOD(NamedLog, "a missing folder is said when it is opened") {
  const auto answer = try_open({}, "none/{json:/d}.log");
  CHECK(answer.disconnected());
  CHECK(answer.reason == "cannot open " + folder / "none/{json:/d}.log: the folder " +
                             folder / "none does not exist: make it, or set create_folders: true");
}

TEST_CASE_METHOD(NamedLog, "what cannot be meant is refused when it is made") {
  const auto refusal = [&](const std::string& name, const kit::Options& options) {
    const auto answer = try_open(options, name);
    return answer.fatal() ? answer.reason : "(accepted)";
  };
  CHECK(refusal("{sequence}.log", {}).starts_with("path: there is no placeholder {sequence} here"));
  CHECK(refusal("{json:/d}.log", {{"format", "frames"}}) ==
        "path: format frames writes one file, which the router sends exactly once; with "
        "placeholders use jsonl, which keeps every byte, or lines");
  CHECK(refusal("{json:/d}/x.log", {}) ==
        "path: {json:/d} is a part of a folder's name; set create_folders: true");
  CHECK(refusal("x-{json:/d}", {{"rotate_size", "1KiB"}})
            .starts_with("path: with rotation its name must end in something fixed"));
  CHECK(refusal("x-{json:/d}.7", {{"rotate_every", "1h"}})
            .starts_with("path: with rotation its name must end in something fixed"));
  CHECK(refusal("{json:/d|a/b}.log", {}) ==
        "path: the default in {json:/d|a/b} cannot be a part of a file's name; write something as "
        "{json:/device|unknown}");
  CHECK(refusal("{json:/d|}.log", {}).starts_with("path: the default in {json:/d|} cannot be"));
  CHECK(
      refusal("{json:/d}/", {{"create_folders", "true"}}).starts_with("path: it ends in a slash"));
}

TEST_CASE_METHOD(NamedLog, "doubled braces are braces, and the path is one file") {
  open({{"format", "frames"}}, "{{x}}.log");
  CHECK(log->handle({"a"}).ok());
  CHECK(names() == Names{"{x}.log"});
}

TEST_CASE_METHOD(NamedLog, "a large message and its neighbours arrive whole", "[exhaustive]") {
  open({});
  const auto large = json(std::string(50, 'a')) + std::string(3 << 20, ' ');
  append({json("a"), large, json("a")});
  CHECK(content("a.log") == json("a") + "\n" + json("a") + "\n");
  CHECK(content("unknown.log") == large + "\n");
}

TEST_CASE_METHOD(NamedLog,
                 "whatever fails, rotates or is rejected, each file has its messages once") {
  const auto seed = GENERATE(range(1u, 13u));
  std::mt19937 random(seed);
  const auto below = [&](unsigned most) { return random() % most; };
  const std::string syncs[] = {"never", "always", "interval"};
  open({{"rotate_size", "100B"},
        {"keep", "1000"},
        {"max_open_files", std::to_string(1 + below(7))},
        {"sync", syncs[below(3)]}},
       "{json:/d}.log");
  std::map<std::string, std::string> wanted;
  std::size_t rejected = 0;
  std::vector<std::string> all;
  for (int i = 0; i < 600; ++i)
    all.push_back(below(20) ? json(std::string(1, static_cast<char>('p' + below(7))), i)
                            : std::string(below(2) ? "plain" : "{}"));
  for (std::size_t at = 0; at < all.size();) {
    const auto end = std::min(all.size(), at + 1 + below(80));
    std::optional<FullDisk> full;
    if (below(3) == 0) full.emplace(below(130) + 1);
    const auto answer = log->handle({all.begin() + static_cast<std::ptrdiff_t>(at),
                                     all.begin() + static_cast<std::ptrdiff_t>(end)});
    full.reset();
    for (const auto outcome : answer.outcomes) {
      const auto& message = all[at++];
      if (outcome == STANDPIPE_DELIVERED) wanted[message.substr(6, 1)] += message + "\n";
      rejected += outcome == STANDPIPE_REJECT;
    }
    if (answer.ok()) continue;
    INFO(answer.reason);
    REQUIRE(answer.disconnected());
    log->close();
    REQUIRE(log->open().ok());
  }
  CHECK(rejected == static_cast<std::size_t>(std::count_if(all.begin(), all.end(),
                                                           [](auto& m) { return m.size() < 6; })));
  for (const auto& [device, lines] : wanted) {
    auto found = content(device + ".log");
    for (int n = 1; std::filesystem::exists(folder / (device + ".log." + std::to_string(n))); ++n)
      found = content(device + ".log." + std::to_string(n)) + found;
    CHECK(found == lines);
  }
}
