// SPDX-License-Identifier: Apache-2.0
#include "log/file_window.h"

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "log/disk_file.h"

using namespace standpipe;
using log::FileWindow, test::DiskFile, test::text_of;

TEST_CASE("a window shows any part of the file, forwards and backwards") {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i) + ' ';
  const DiskFile file(content);
  FileWindow window(file.path(), file.fd());
  for (const std::size_t at : {0, 400'000, 10, 262'140, 500'000, 3})
    CHECK(text_of(window.view(at, 20, content.size())) == content.substr(at, 20));
}

TEST_CASE("a window reads on, but not after the end that it is given") {
  const DiskFile file("abcdefgh");
  FileWindow window(file.path(), file.fd());
  CHECK(text_of(window.view(0, 1, 4)) == "a");
  file.put("ABCDEFGH");
  CHECK(text_of(window.view(0, 4, 8)) == "abcd");  // had been read with the first
  CHECK(text_of(window.view(4, 4, 8)) == "EFGH");  // had not
}

TEST_CASE("what was read is not shown again once the window forgot it") {
  const DiskFile file("abcdefgh");
  FileWindow window(file.path(), file.fd());
  (void)window.view(0, 8, 8);
  file.put("ABCDEFGH");
  window.forget();
  CHECK(text_of(window.view(0, 8, 8)) == "ABCDEFGH");
}

TEST_CASE("a file that ends before what is asked for is reported, and nothing of it is shown") {
  const DiskFile file("abcdefgh");
  FileWindow window(file.path(), file.fd());
  file.cut(4);
  CHECK_THROWS_WITH(window.view(0, 8, 8), file.path() + " became shorter while it was read");
  file.put("ABCDEFGH");
  CHECK(text_of(window.view(0, 8, 8)) == "ABCDEFGH");
}

TEST_CASE("the memory that a large piece took is given back with the next small one") {
  const std::size_t large = 4 * FileWindow::kBytes;
  const DiskFile file(std::string(large + 100, 'x'));
  FileWindow window(file.path(), file.fd());
  CHECK(window.view(0, large, large + 100).size() == large);
  CHECK(window.memory() >= large);
  CHECK(window.view(large + 50, 10, large + 100).size() == 10);
  CHECK(window.memory() <= 2 * FileWindow::kBytes);
}
