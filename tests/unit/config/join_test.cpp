// SPDX-License-Identifier: Apache-2.0
#include "config/join.h"

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "config/parse.h"

using namespace standpipe;
using namespace standpipe::config;

namespace {

// Files that are parsed and joined.
class Fixture {
 public:
  const Node* join_texts(const std::vector<std::string>& texts) {
    bundle_ = {"conf.d", "/conf.d", {}};
    for (const auto& text : texts) {
      const auto name = std::string(1, static_cast<char>('a' + bundle_.files.size())) + ".yaml";
      bundle_.files.push_back({name, "/conf.d/" + name, text});
    }
    documents_.emplace(bundle_);
    mistakes_.emplace(*documents_);
    Context context{*mistakes_, std::vector<std::string>(texts.size(), "/conf.d"), {}};
    for (std::size_t i = 0; i < texts.size(); ++i)
      trees_.push_back(parse(documents_->number(i), *mistakes_));
    return join(context, trees_, joined_);
  }
  // "KEY: N" for each key of the root, N the number of its items or entries.
  static std::string sizes(const Node& root) {
    std::string text;
    for (const auto& entry : root.entries)
      text += (text.empty() ? "" : ", ") + entry.key->text + ": " +
              std::to_string(entry.value->items.size() + entry.value->entries.size());
    return text;
  }
  std::string said() {
    std::string text;
    for (const auto& d : mistakes_->in_order())
      text += (d.place ? d.place->file + ':' + std::to_string(d.place->line) + ' ' : "") + d.code +
              '\n';
    return text;
  }

 private:
  Bundle bundle_;
  std::optional<Documents> documents_;
  std::optional<Mistakes> mistakes_;
  std::vector<std::optional<Tree>> trees_;
  Tree joined_;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "sections that files share are joined, in the files' order") {
  const auto* root = join_texts({"routes: [1]\nsources: { a: 1 }", "sources: { b: 1, c: 1 }",
                                 "x-note: 1\nroutes: [2, 3]\ntests: []\nsources: { a: 2 }"});
  REQUIRE(root);
  CHECK(sizes(*root) == "routes: 3, sources: 4, x-note: 0, tests: 0");
  CHECK(root->entries[0].value->items[1]->spot.file == 2);
  CHECK(said().empty());
}

TEST_CASE_METHOD(Fixture,
                 "what one file alone may have stands twice, and so does a doubled section") {
  CHECK(sizes(*join_texts(
            {"memory_max: 1", "memory_max: 1\nversion: 1\nsources: {a: 1}\nsources: {}"})) ==
        "memory_max: 0, memory_max: 0, version: 0, sources: 1, sources: 0");
}

TEST_CASE_METHOD(Fixture, "the version may stand in each file, if they agree") {
  CHECK(sizes(*join_texts({"version: 1", "version: 1", "version: 2"})) == "version: 0, version: 0");
}

TEST_CASE_METHOD(Fixture, "a section of another kind is told, and the good ones count") {
  const auto* root = join_texts({"sources: [1]", "sources: { a: 1 }", "sources:", "- 1"});
  CHECK(sizes(*root) == "sources: 1");
  CHECK(said() == "a.yaml:1 wrong-type\nc.yaml:1 no-value\nd.yaml:1 wrong-type\n");
}

TEST_CASE_METHOD(Fixture, "an empty file is warned of, and files that are all empty are nothing") {
  CHECK(!join_texts({"", "# later\n"}));
  CHECK(said().empty());
}

TEST_CASE_METHOD(Fixture, "files with too many values together are refused") {
  std::string list = "routes: [1";
  for (std::size_t i = 0; i < kConfigNodesMax / 2; ++i) list += i % 1000 ? ",1" : ",\n 1";
  join_texts({list + "]", list + "]", list + "]"});
  CHECK(said() == "b.yaml:1 too-many-values\n");
}

TEST_CASE_METHOD(Fixture,
                 "a file that is no YAML is left out, and what the others have is joined") {
  const auto* root = join_texts({"sources: { a: 1 }", "sources: { b: 1", "sources: { c: 1 }"});
  REQUIRE(root);
  CHECK(sizes(*root) == "sources: 2");
  CHECK(said() == "b.yaml:1 syntax\n");
}
