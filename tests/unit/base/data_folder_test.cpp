// SPDX-License-Identifier: Apache-2.0
#include "base/data_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  // "WHAT; HELP" of the failure, or empty.
  template <class... Arguments>
  std::string take(Arguments&&... arguments) {
    try {
      folders_.emplace_back(std::forward<Arguments>(arguments)...);
    } catch (const Failure& f) {
      return std::string(f.what()) + "; " + f.help();
    }
    return "";
  }
  unsigned mode_of(const std::string& name) const {
    struct stat st {};
    return ::stat(name.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  Fd copy_of_lock() const { return Fd(::fcntl(folders_.back().lock_fd(), F_DUPFD_CLOEXEC, 0)); }
  void end() { folders_.clear(); }
  DataFolder& last() { return folders_.back(); }

  test::TemporaryFolder temporary;
  std::string path = temporary / "var/lib/standpipe";

 private:
  std::vector<DataFolder> folders_;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a data folder is made for its user alone, and those above it") {
  CHECK(take(path) == "");
  CHECK(mode_of(path) == 0700);
  CHECK(mode_of(temporary / "var") == 0700);
  CHECK(mode_of(path + "/lock") == 0600);
}

TEST_CASE_METHOD(Fixture, "a folder that another hub uses is refused, with its process and the remedy") {
  take(path, 1234);
  CHECK(take(path) == "another hub (process 1234) uses " + path + "; set data_dir in one of them");
  end();
  CHECK(take(path) == "");
}

TEST_CASE_METHOD(Fixture, "a lock outlives its first holder in a copy, and the successor adopts it") {
  take(path, 1234);
  auto copy = copy_of_lock();
  end();
  CHECK(take(path) == "another hub (process 1234) uses " + path + "; set data_dir in one of them");
  CHECK(take(path, std::move(copy)) == "");
}

TEST_CASE_METHOD(Fixture, "a descriptor that is not the folder's lock is not adopted") {
  take(path);
  CHECK(take(path, Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))) == "the lock that was handed over is not that of " + path + "; ");
}

TEST_CASE_METHOD(Fixture, "a file in the place of a folder is said") {
  std::ofstream(temporary / "var").put('x');
  CHECK(take(path) == (temporary / "var") + " is no folder; mv it away, or set data_dir to another folder");
}

TEST_CASE_METHOD(Fixture, "whoever removes the lock's file does not take the lock away, and it is written again") {
  take(path, 1234);
  std::filesystem::remove(path + "/lock");
  CHECK(take(path) == "another hub uses " + path + "; set data_dir in one of them");
  last().restore_file();
  std::ifstream file(path + "/lock");
  int holder = 0;
  file >> holder;
  CHECK(holder == 1234);
}

TEST_CASE_METHOD(Fixture, "a folder that is removed or replaced is no longer at its path, and its lock is nobody else's") {
  take(path);
  CHECK(last().is_at_its_path());
  std::filesystem::rename(path, path + ".old");
  CHECK_FALSE(last().is_at_its_path());
  CHECK(take(path) == "");
  CHECK(last().is_at_its_path());
  CHECK(take(path + ".old").starts_with("another hub"));
}
