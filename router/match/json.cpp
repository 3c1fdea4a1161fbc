// SPDX-License-Identifier: Apache-2.0
#include "match/json.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "match/number.h"

namespace standpipe::match {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kCapacityLeast = 4096;

// `large`: of a text that has some; else nullptr.
Value value_of(const dom::element& element, const LargeNumbers* large) {
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return Value::array();
    case dom::element_type::OBJECT:
      return Value::object();
    case dom::element_type::INT64:
      return Value::integer(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return Value::natural(element.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return large ? large->number(element.get_double().value_unsafe())
                   : Value::number(element.get_double().value_unsafe());
    case dom::element_type::STRING:
      return Value::string(element.get_string().value_unsafe());
    case dom::element_type::BOOL:
      return Value::boolean(element.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE:
      break;
  }
  return Value::null();
}

bool step_into(dom::element& at, std::string_view token) {
  if (at.is_object()) {
    bool found = false;
    dom::element last;
    const dom::object object = at.get_object().value_unsafe();
    for (const auto field : object) {
      if (field.key != token) continue;
      last = field.value;
      found = true;
    }
    if (found) at = last;
    return found;
  }
  const auto number = at.is_array() ? element_of(token) : std::nullopt;
  if (!number) return false;
  const dom::array array = at.get_array().value_unsafe();
  return array.at(*number).get(at) == simdjson::SUCCESS;
}

// Walks a document along a tree of pointers. As deep as the document is, at most.
class Collector {
 public:
  using NodeId = PointerTree::NodeId;
  Collector(const PointerTree& tree, FoundValues& found, const LargeNumbers* large)
      : tree_(tree), found_(found), large_(large) {}

  void visit(NodeId node, const dom::element& element) {
    found_.enter(node);
    if (tree_.is_wanted(node)) found_.set(node, value_of(element, large_));
    if (!tree_.goes_on(node)) return;
    if (element.is_object()) {
      const dom::object object = element.get_object().value_unsafe();
      for (const auto field : object)
        if (const auto child = tree_.child(node, field.key)) visit(*child, field.value);
    } else if (element.is_array()) {
      visit_elements(node, element.get_array().value_unsafe());
    }
    found_.leave(node);
  }

 private:
  void visit_elements(NodeId node, const dom::array& array) {
    auto wanted = tree_.elements(node);
    std::size_t number = 0;
    for (const auto element : array) {
      if (wanted.empty()) return;
      if (wanted[0].number != number++) continue;
      visit(wanted[0].node, element);
      wanted = wanted.subspan(1);
    }
  }

  const PointerTree& tree_;
  FoundValues& found_;
  const LargeNumbers* large_;
};

}  // namespace

struct Json::Parsed {
  dom::parser parser;
  dom::document document;
  dom::element root;
  std::vector<char> padded;
  std::string rewritten;
  LargeNumbers large_numbers;
  bool has_large_numbers = false;

  const LargeNumbers* large() const { return has_large_numbers ? &large_numbers : nullptr; }
  void reserve(std::size_t bytes) {
    const auto capacity = std::bit_ceil(std::max(bytes, kCapacityLeast));
    if (padded.size() >= capacity + simdjson::SIMDJSON_PADDING) return;
    if (parser.allocate(capacity, kJsonDepthMax) != simdjson::SUCCESS ||
        document.allocate(capacity) != simdjson::SUCCESS)
      throw std::bad_alloc();
    padded.assign(capacity + simdjson::SIMDJSON_PADDING, ' ');
  }
  simdjson::error_code parse(std::string_view text) {
    reserve(text.size());
    std::memcpy(padded.data(), text.data(), text.size());
    std::memset(padded.data() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
    return parser.parse_into_document(document, padded.data(), text.size(), false).get(root);
  }
};

Json::Json() : parsed_(std::make_unique<Parsed>()) {}
Json::~Json() = default;

Json::Verdict Json::parse(std::string_view text) {
  if (text.empty()) return Verdict::broken;
  auto error = parsed_->parse(text);
  // Versions of simdjson differ in what they call numbers that are too large for them, and some do
  // not tell them from those that are wrong.
  const bool may_be_large = error != simdjson::SUCCESS && error != simdjson::DEPTH_ERROR;
  parsed_->has_large_numbers =
      may_be_large && parsed_->large_numbers.replace(text, parsed_->rewritten);
  if (parsed_->has_large_numbers) error = parsed_->parse(parsed_->rewritten);
  if (error == simdjson::DEPTH_ERROR) return Verdict::too_deep;
  return error == simdjson::SUCCESS ? Verdict::good : Verdict::broken;
}

Value Json::find(const Pointer& pointer) const {
  auto at = parsed_->root;
  for (const auto& token : pointer.tokens)
    if (!step_into(at, token)) return {};
  return value_of(at, parsed_->large());
}

void Json::collect(const PointerTree& tree, FoundValues& found) const {
  found.begin(tree);
  Collector(tree, found, parsed_->large()).visit(PointerTree::kRoot, parsed_->root);
}

}  // namespace standpipe::match
