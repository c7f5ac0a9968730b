// MXNet's symbol files: a computation as JSON, which a Module binds to the arrays of an NDArray list (ndarray_list.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace smtrain::formats {

/// Builds one graph, node after node; every function returns what stands for the node in those that follow. Layout (nnvm's graph
/// JSON): `nodes` of {op, name, attrs, inputs: [[node, output, version], …]} in an order in which inputs come first, `arg_nodes`
/// the variables, `node_row_ptr` one entry per node, `heads` the results, and MXNet's version. Not thread-safe.
class MxnetSymbol {
 public:
  using Node = std::size_t;
  using Attributes = std::map<std::string, std::string>;

  /// A parameter, the data or a label. `shape` empty: inferred from its use; "row_sparse" or "csr" as `storage`, or "" for dense.
  Node variable(const std::string& name, const std::vector<std::int64_t>& shape = {}, const std::string& storage = "");
  /// `op` as MXNet registers it ("FullyConnected", "dot"), its parameters as texts. Inputs are nodes made before, each with one output.
  Node apply(const std::string& op, const std::string& name, const std::vector<Node>& inputs, const Attributes& attributes = {});

  /// The file, whose results are `heads`.
  std::string json(const std::vector<Node>& heads) const;

 private:
  struct Entry {
    std::string op, name;
    Attributes attributes;
    std::vector<Node> inputs;
  };
  Node add(Entry entry);
  std::vector<Entry> entries_;
};

}  // namespace smtrain::formats
