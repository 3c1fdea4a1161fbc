// SPDX-License-Identifier: Apache-2.0
#include "config/parse.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <set>
#include <streambuf>

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"
#include "config/syntax.h"

namespace standpipe::config {
namespace {

// This many bytes of text weigh as much as a value, so that an alias of a long text costs as much
// as an alias of a long list.
constexpr std::size_t kTextBytesPerWeight = 64;

constexpr std::string_view kStandardTags = "tag:yaml.org,2002:";

// Leaves the parser from within its callbacks.
struct Stop {
  Spot spot;
  Diagnostic diagnostic;
};

// What the parser reads from: no copy of the text.
class View : public std::streambuf {
 public:
  explicit View(const std::string& text) {
    auto* begin = const_cast<char*>(text.data());  // the interface wants it; nothing is written
    setg(begin, begin, begin + text.size());
  }
};

void add_missing(Node& into, const Node& from, std::set<std::string_view>& there) {
  for (const auto& entry : from.entries)
    if (entry.key->kind == Kind::scalar && there.insert(entry.key->text).second)
      into.entries.push_back(entry);
}

// An alias's target is finished, so nothing that is merged has merge keys of its own but faulty
// ones. The map's weight counts what is merged already, as that of its aliases.
void merge(Node& map) {
  const auto is_one = [](const Entry& entry) { return is_merge(*entry.key); };
  const auto key = std::find_if(map.entries.begin(), map.entries.end(), is_one);
  if (key == map.entries.end() || !can_be_merged(*key->value) ||
      std::count_if(map.entries.begin(), map.entries.end(), is_one) > 1)
    return;
  const auto& value = *key->value;
  map.entries.erase(key);
  std::set<std::string_view> there;
  for (const auto& entry : map.entries)
    if (entry.key->kind == Kind::scalar) there.insert(entry.key->text);
  if (value.kind == Kind::map) return add_missing(map, value, there);
  for (const auto* one : value.items) add_missing(map, *one, there);
}

// Makes the tree from the parser's events; see tree.h for what it bounds.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override;
  void OnMapEnd() override { close(); }

  Tree release() { return std::move(tree_); }
  const Spot& last() const { return last_; }
  // Where the innermost list or map that is not finished begins.
  std::optional<Spot> innermost() const {
    return open_.empty() ? std::nullopt : std::optional(open_.back().node->spot);
  }
  Spot spot_of(const YAML::Mark& mark) const { return document_.spot_at(offset_of(mark)); }

 private:
  struct Open {
    Node* node;
    YAML::anchor_t anchor;
    const Node* key = nullptr;  // waits for its value
  };

  std::size_t offset_of(const YAML::Mark& mark) const;
  std::size_t after_properties(std::size_t at) const;
  std::size_t before_space(std::size_t at) const;
  Node& make(Kind kind, std::size_t at, std::size_t bytes);
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void attach(const Node& node, const Spot& used);
  void check_tag(const YAML::Mark& mark, const std::string& tag) const;
  std::size_t source_bytes(std::size_t at, const std::string& value) const;

  const Document& document_;
  Tree tree_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, const Node*> anchors_;  // nullptr: not finished
  Spot last_;
  bool has_document_ = false;
};

std::size_t Builder::offset_of(const YAML::Mark& mark) const {
  return std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), document_.text().size());
}

// A mark stands at the value's anchor or tag, when it has one; the value comes after, maybe on
// another line.
std::size_t Builder::after_properties(std::size_t at) const {
  const std::string_view text = document_.text();
  const auto from = at;
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    at = std::min(text.find_first_of(" \t\r\n,[]{}", at), text.size());
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    while (at < text.size() && text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
      at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    }
  }
  return at == text.size() ? from : at;
}

Node& Builder::make(Kind kind, std::size_t at, std::size_t bytes) {
  auto spot = document_.spot_at(at);
  spot.bytes = static_cast<std::uint32_t>(std::max<std::size_t>(bytes, 1));
  last_ = spot;
  if (tree_.nodes.size() >= kConfigNodesMax)
    throw Stop{
        spot,
        {.code = "too-many-values",
         .message = "more than " + thousands(kConfigNodesMax) + " values in one configuration",
         .label = "the one too many"}};
  auto& node = tree_.nodes.emplace_back();
  node.kind = kind;
  node.spot = spot;
  return node;
}

void Builder::attach(const Node& node, const Spot& used) {
  if (open_.size() + node.height > kConfigDepthMax)
    throw Stop{used,
               {.code = "too-deep",
                .message = "nested more than " + std::to_string(kConfigDepthMax) + " levels deep",
                .label = "no configuration needs that"}};
  if (open_.empty()) {
    tree_.root = &node;
    return;
  }
  auto& parent = open_.back();
  parent.node->weight += node.weight;
  parent.node->height = std::max(parent.node->height, node.height + 1);
  if (parent.node->weight > kConfigNodesMax)
    throw Stop{used,
               {.code = "alias-bomb",
                .message = "aliases expand to more than " + thousands(kConfigNodesMax) + " values",
                .label = "too much with this one"}};
  if (parent.node->kind == Kind::list) {
    parent.node->items.push_back(&node);
  } else if (!parent.key) {
    parent.key = &node;
  } else {
    parent.node->entries.push_back({parent.key, &node});
    parent.key = nullptr;
  }
}

void Builder::check_tag(const YAML::Mark& mark, const std::string& tag) const {
  if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with(kStandardTags)) return;
  auto spot = spot_of(mark);
  const auto rest = document_.line(spot.line).substr(spot.byte);
  const auto at = std::min(rest.find('!'), rest.size());
  spot.byte += static_cast<std::uint32_t>(at == rest.size() ? 0 : at);
  spot.bytes = static_cast<std::uint32_t>(std::min(tag.size(), rest.size()));
  throw Stop{spot,
             {.code = "unknown-tag",
              .message = "tags mean nothing here",
              .label = "leave '" + shown(tag) + "' out"}};
}

// How much of the value's first line it takes.
std::size_t Builder::source_bytes(std::size_t at, const std::string& value) const {
  const auto rest = std::string_view(document_.text()).substr(at);
  const auto line = rest.substr(0, std::min(rest.find_first_of("\r\n"), rest.size()));
  if (line.empty()) return 1;
  if (line[0] == '|' || line[0] == '>') return 1;
  if (line[0] == '"' || line[0] == '\'') {
    const auto end = quoted_end(document_.text(), at);
    if (!end) {
      auto spot = document_.spot_at(at);
      throw Stop{
          spot,
          {.code = "syntax",
           .message = "a quote that is never closed",
           .label = "the text that begins here needs its closing " + std::string(1, line[0])}};
    }
    return std::min(*end - at, line.size());
  }
  if (line.starts_with(value)) return value.size();
  return line.find_last_not_of(" \t") + 1;  // continues in the next line
}

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  if (!has_document_) {
    has_document_ = true;
    return;
  }
  auto spot = spot_of(mark);
  if (document_.line(spot.line).starts_with("---")) {
    spot.bytes = 3;
    throw Stop{spot,
               {.code = "two-documents",
                .message = "a second document begins",
                .label = "one configuration a file: remove this line, or use another file"}};
  }
  throw Stop{spot,
             {.code = "syntax",
              .message = "what stands here belongs to nothing above it",
              .label = "indent it like the lines above"}};
}

// A null that is not written is marked where the next thing begins, maybe lines below.
std::size_t Builder::before_space(std::size_t at) const {
  const auto before = std::string_view(document_.text()).substr(0, at).find_last_not_of(" \t\r\n");
  const bool is_written =
      at < document_.text().size() &&
      std::string_view("nN~").find(document_.text()[at]) != std::string_view::npos;
  return is_written || before == std::string_view::npos ? at : before;
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  auto& node = make(Kind::null, before_space(after_properties(offset_of(mark))), 1);
  if (anchor) anchors_[anchor] = &node;
  attach(node, node.spot);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  auto spot = spot_of(mark);
  const auto rest = document_.line(spot.line).substr(spot.byte);
  spot.bytes = static_cast<std::uint32_t>(
      std::max<std::size_t>(std::min(rest.find_first_of(" \t,]}"), rest.size()), 1));
  last_ = spot;
  const auto named = anchors_.find(anchor);
  if (named == anchors_.end() || !named->second)
    throw Stop{spot,
               {.code = "alias-in-itself",
                .message = "an alias inside of what it names",
                .label = "this would never end"}};
  attach(*named->second, spot);
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  check_tag(mark, tag);
  const auto at = after_properties(offset_of(mark));
  auto& node = make(Kind::scalar, at, source_bytes(at, value));
  node.quoted = tag == "!" || tag.ends_with(":str");
  node.text = value;
  node.weight += value.size() / kTextBytesPerWeight;
  if (anchor) anchors_[anchor] = &node;
  attach(node, node.spot);
}

void Builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value) {
  open(Kind::list, mark, tag, anchor);
}

void Builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) {
  open(Kind::map, mark, tag, anchor);
}

void Builder::open(Kind kind, const YAML::Mark& mark, const std::string& tag,
                   YAML::anchor_t anchor) {
  check_tag(mark, tag);
  auto& node = make(kind, after_properties(offset_of(mark)), 1);
  if (anchor) anchors_[anchor] = nullptr;
  open_.push_back({&node, anchor});
  if (open_.size() <= kConfigDepthMax) return;
  open_.pop_back();
  attach(node, node.spot);  // says that it is too deep, before the parser's own stack is in danger
}

void Builder::close() {
  const auto done = open_.back();
  open_.pop_back();
  if (done.node->kind == Kind::map) merge(*done.node);
  if (done.anchor) anchors_[done.anchor] = done.node;
  attach(*done.node, done.node->spot);
}

}  // namespace

std::optional<Tree> parse(const Document& document, Mistakes& mistakes) {
  if (auto bad = find_bad_bytes(document)) {
    mistakes.add(bad->first, std::move(bad->second));
    return std::nullopt;
  }
  Builder builder(document);
  try {
    View view(document.text());
    std::istream in(&view);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.release();
  } catch (Stop& stop) {
    mistakes.add(stop.spot, std::move(stop.diagnostic));
  } catch (const YAML::Exception& e) {
    auto [spot, diagnostic] = explain_syntax(document, e.msg, builder.spot_of(e.mark),
                                             builder.last(), builder.innermost());
    mistakes.add(spot, std::move(diagnostic));
  } catch (const std::exception& e) {
    mistakes.add(builder.last(),
                 {.code = "syntax", .message = "not YAML: " + std::string(e.what())});
  }
  return std::nullopt;
}

}  // namespace standpipe::config
