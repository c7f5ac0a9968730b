#include "formats/archive/mxnet_symbol.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVariable = "null";
constexpr int kVersion = 10300;  // 1.3.0, which later ones read

constexpr std::array<std::string_view, 3> kStorages = {"default", "row_sparse", "csr"};  // by their numbers

int storage_number(std::string_view name) {
  for (std::size_t i = 0; i < kStorages.size(); ++i) {
    if (kStorages[i] == name) return static_cast<int>(i);
  }
  throw internal_error("{} is no storage of MXNet's", smtrain::quoted(name));
}

// As Python prints a tuple.
std::string tuple_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace

MxnetSymbol::Node MxnetSymbol::add(Entry entry) {
  for (const Node input : entry.inputs) {
    if (input >= entries_.size()) throw internal_error("symbol {}: node {} is not there yet", smtrain::quoted(entry.name), input);
  }
  entries_.push_back(std::move(entry));
  return entries_.size() - 1;
}

MxnetSymbol::Node MxnetSymbol::variable(const std::string& name, const std::vector<std::int64_t>& shape, const std::string& storage) {
  Attributes attributes;
  if (!shape.empty()) attributes["__shape__"] = tuple_text(shape);
  if (!storage.empty()) attributes["__storage_type__"] = std::to_string(storage_number(storage));
  return add({kVariable, name, std::move(attributes), {}});
}

MxnetSymbol::Node MxnetSymbol::apply(const std::string& op, const std::string& name, const std::vector<Node>& inputs,
                                     const Attributes& attributes) {
  return add({op, name, attributes, inputs});
}

std::string MxnetSymbol::json(const std::vector<Node>& heads) const {
  const auto reference = [](Node node) { return Json::array({node, 0, 0}); };
  Json nodes = Json::array(), arguments = Json::array(), rows = Json::array({0}), results = Json::array();
  for (const Entry& entry : entries_) {
    if (entry.op == kVariable) arguments.push_back(nodes.size());
    Json node = {{"op", entry.op}, {"name", entry.name}};
    if (!entry.attributes.empty()) node["attrs"] = entry.attributes;
    node["inputs"] = Json::array();
    for (const Node input : entry.inputs) node["inputs"].push_back(reference(input));
    nodes.push_back(std::move(node));
    rows.push_back(nodes.size());
  }
  for (const Node head : heads) results.push_back(reference(head));
  const Json graph = {{"nodes", nodes}, {"arg_nodes", arguments}, {"node_row_ptr", rows}, {"heads", results},
                      {"attrs", {{"mxnet_version", Json::array({"int", kVersion})}}}};
  return graph.dump(2) + "\n";
}

}  // namespace smtrain::formats
